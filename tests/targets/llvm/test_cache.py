"""The disk cache: what is kept, what is not believed, and doing without."""

import ctypes
import dataclasses
import errno
import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from weft.errors import CompileError
from weft.targets.llvm import cache, disk, image, jit
from weft.targets.llvm.machine import (
    LEVELS,
    _cgroup_shares,
    host,
    named,
    thread_count,
)


def constant(number: int) -> str:
    return f"define i64 @answer() {{ ret i64 {number} }}\n"


def answer(library: jit.Library) -> int:
    return ctypes.CFUNCTYPE(ctypes.c_int64)(library.address("answer"))()


pytestmark = pytest.mark.usefixtures("folder")


class Counting:
    """A compiler that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, sources, machine):
        self.asked.append(list(sources))
        return jit.compile_objects(sources, machine)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*"))


def test_equal_sources_are_compiled_once_and_then_read(folder):
    compiler = Counting()
    sources = [constant(n) for n in (1, 2, 1, 3, 2)]
    first = cache.get_or_compile(sources, host(), compile=compiler)
    assert compiler.asked == [[constant(1), constant(2), constant(3)]]
    assert first[0] == first[2] and first[1] == first[4] and first[0] != first[1]
    assert len(entries(folder)) == 3
    again = cache.get_or_compile([*sources, constant(4)], host(), compile=compiler)
    assert compiler.asked[1:] == [[constant(4)]]
    assert again[:5] == first


def test_libraries_are_shared_while_someone_holds_them():
    one, two, three = cache.get_or_load([constant(5), constant(6), constant(5)], host())
    assert one is three and one is not two
    assert answer(one) == 5 and answer(two) == 6
    assert cache.get_or_load([constant(5)], host())[0] is one
    gone = weakref.ref(one)
    del one, three
    gc.collect()
    assert gone() is None
    assert answer(cache.get_or_load([constant(5)], host())[0]) == 5


def test_equal_programs_share_their_code_while_someone_holds_it():
    sources = [constant(5), constant(6)]
    one, two = (cache.get_or_link(sources, host()) for _ in range(2))
    other = cache.get_or_link(sources[::-1], host())
    assert (one is two) == image.can_link() and other is not one
    assert [answer_of(code, 0) for code in (one, two, other)] == [5, 5, 6]


def test_what_our_linker_does_not_know_llvm_links(monkeypatch):
    def refuses(objects):
        raise CompileError("image: another kind of relocation")

    monkeypatch.setattr(image, "link", refuses)
    assert answer_of(cache.get_or_link([constant(41)], host()), 0) == 41


def answer_of(code, number: int) -> int:
    return ctypes.CFUNCTYPE(ctypes.c_int64)(code.address("answer", number))()


def test_the_key_depends_on_everything_the_code_depends_on(monkeypatch):
    machine = host()
    keys = {cache.key(constant(1), machine), cache.key(constant(2), machine)}
    for change in ({"cpu": "x"}, {"features": "+x"}, {"triple": "x"}):
        keys.add(cache.key(constant(1), dataclasses.replace(machine, **change)))
    for owner, name, value in (
        (cache, "FORMAT", 99), (jit, "PIPELINE", "x"), (jit, "llvm_version", lambda: "x")
    ):  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            keys.add(cache.key(constant(1), machine))
    assert len(keys) == 8


def damages(content: bytes):
    yield "empty", b""
    yield "half a header", content[:20]
    yield "a header alone", content[:56]
    yield "one byte short", content[:-1]
    yield "one byte more", content + b"\0"
    yield "zeros", bytes(len(content))
    for place in (0, 13, 20, 30, 56, 200, len(content) - 1):
        yield (
            f"bit {place}",
            (content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]),
        )


def test_damaged_entries_are_ignored_and_made_anew(folder):
    compiler = Counting()
    (good,) = cache.get_or_compile([constant(7)], host(), compile=compiler)
    (path,) = entries(folder)
    whole = path.read_bytes()
    for count, (name, damaged) in enumerate(damages(whole), start=2):
        path.write_bytes(damaged)
        assert cache.get_or_compile([constant(7)], host(), compile=compiler) == [good], (
            name
        )
        assert len(compiler.asked) == count, name
        assert path.read_bytes() == whole, name


def test_an_entry_under_another_name_is_not_believed(folder):
    cache.get_or_compile([constant(1)], host())
    (path,) = entries(folder)
    store = disk.DiskCache(folder)
    other = cache.key(constant(2), host())
    store.path(other).parent.mkdir(exist_ok=True)
    store.path(other).write_bytes(path.read_bytes())
    assert store.read(other) is None
    assert answer(cache.get_or_load([constant(2)], host())[0]) == 2


def test_a_folder_where_the_entry_should_be_is_survived(folder):
    store = disk.DiskCache(folder)
    store.path(cache.key(constant(1), host())).mkdir(parents=True)
    assert answer(cache.get_or_load([constant(1)], host())[0]) == 1


@pytest.mark.parametrize("trouble", ["a file", "full disk", "read only"])
def test_without_a_folder_everything_works(folder, monkeypatch, trouble):
    if trouble == "a file":
        folder.write_text("not a folder")
    elif trouble == "read only":
        folder.mkdir()
        folder.chmod(0o500)
    else:

        def full(*arguments):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fdopen", full)
        monkeypatch.setattr(os, "replace", full)
    for _ in range(2):
        assert answer(cache.get_or_load([constant(8)], host())[0]) == 8
    if trouble == "full disk":
        assert entries(folder) == []  # nothing half-written stays


def test_turned_off(folder, monkeypatch):
    monkeypatch.setenv("WEFT_CACHE", "0")
    assert disk.default_folder() is None
    compiler = Counting()
    for _ in range(2):
        cache.get_or_compile([constant(9)], host(), compile=compiler)
    assert len(compiler.asked) == 2
    assert not folder.exists()


def test_default_folders(monkeypatch):
    monkeypatch.delenv("WEFT_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert disk.default_folder() == Path("/somewhere/weft")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert disk.default_folder() == Path("/home/someone/.cache/weft")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert disk.default_folder() == Path("/home/someone/Library/Caches/weft")


def test_the_least_recently_used_are_dropped(tmp_path):
    store = disk.DiskCache(tmp_path, size_limit=10_000)
    store._writes_to_sweep = 1000  # not before we say so
    names = [cache.key(str(n), named("avx2")) for n in range(20)]
    for age, name in enumerate(names):
        store.write(name, bytes(1000))
        os.utime(store.path(name), (1e9 - age, 1e9 - age))
    assert store.read(names[-1]) is not None  # the oldest, now used
    stale = store.path(names[0]).with_suffix(".part")
    stale.write_bytes(b"left behind")
    os.utime(stale, (1e9, 1e9))
    store.sweep()
    kept = [name for name in names if store.read(name) is not None]
    assert kept == [*names[:6], names[-1]]
    assert not stale.exists()


def test_concurrent_processes(folder):
    script = (
        "import sys, ctypes\n"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        "from test_cache import answer, cache, constant, disk, host\n"
        "for turn in range(10):\n"
        "    libraries = cache.get_or_load([constant(n) for n in range(25)], host())\n"
        "    assert [answer(one) for one in libraries] == list(range(25))\n"
        "    for path in list(disk.default_folder().glob('*/*.weft'))[::7]:\n"
        "        path.unlink(missing_ok=True)\n"
        "        if turn % 2:\n"
        "            path.write_bytes(b'broken')\n"
        "    del libraries\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert not list(folder.glob("*/*.part"))


# -- compiling and linking -------------------------------------------------------------


def test_the_bytes_do_not_depend_on_the_threads():
    sources = [constant(n) * 1 for n in range(40)]
    assert jit.compile_objects(sources, host(), threads=1) == jit.compile_objects(
        sources, host(), threads=4
    )
    assert jit.compile_objects([], host()) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("define void @f() { ret i32 }", "parse"),
        ("nonsense", "parse"),
        (
            "define i32 @f(i1 %c) {\n br i1 %c, label %a, label %b\n"
            "a:\n %x = add i32 1, 2\n br label %b\nb:\n ret i32 %x\n}",
            "verify",
        ),
    ],
)
def test_wrong_modules_are_refused(source, message):
    with pytest.raises(jit.CompileError, match=message):
        jit.compile_objects([constant(1), source, constant(2)], host(), threads=2)


def test_missing_symbols_are_an_error_not_a_crash():
    source = (
        "declare void @nowhere()\ndefine void @f() {\n call void @nowhere()\n ret void\n}"
    )
    library = jit.load(jit.compile_objects([source], host())[0])
    with pytest.raises(jit.CompileError, match="must be defined"):
        library.address("f")
    library = jit.load(jit.compile_objects([constant(1)], host())[0])
    with pytest.raises(jit.CompileError, match="must be defined"):
        library.address("question")
    assert answer(library) == 1
    with pytest.raises(jit.CompileError, match="link"):
        jit.load(b"these bytes are no object file")


def test_memory_functions_and_constants_can_be_used():
    source = (
        "@t = private constant [2 x double] [double 1.5, double 2.5], align 64\n"
        "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\n"
        "define double @f(ptr %to, ptr %from, i64 %n, i64 %i) {\n"
        " call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)\n"
        " %p = getelementptr double, ptr @t, i64 %i\n"
        " %v = load double, ptr %p\n ret double %v\n}\n"
    )
    library = jit.load(jit.compile_objects([source], host())[0])
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    f = ctypes.CFUNCTYPE(ctypes.c_double, pointer, pointer, word, word)(
        library.address("f")
    )
    to = ctypes.create_string_buffer(1000)
    assert f(to, ctypes.create_string_buffer(b"woven", 1000), 1000, 1) == 2.5
    assert to.value == b"woven"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_dropped_libraries_leave_no_memory_behind():
    code = jit.compile_objects([constant(3)], host())[0]

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGESIZE"
        )

    def churn():
        for _ in range(640):
            assert answer(jit.load(code)) == 3

    churn()
    before = resident()
    churn()
    assert resident() - before < 2 << 20


# -- the machine -----------------------------------------------------------------------


def test_machines_by_name():
    assert [named(name).vector_bytes for name in LEVELS] == [64, 32, 16, 16]
    assert named("avx2").lanes(4) == 8
    assert host().l1_bytes >= 1 << 12
    with pytest.raises(ValueError, match="WEFT_CPU"):
        named("mmx")


def test_restricting_the_host(monkeypatch):
    if not host().is_x86:
        pytest.skip("names an x86 level")
    monkeypatch.setenv("WEFT_CPU", "sse2")
    machine = host.__wrapped__()
    assert (machine.vector_bytes, machine.has_fma) == (16, False)
    assert machine.triple == host().triple
    monkeypatch.setenv("WEFT_CPU", "neon")
    with pytest.raises(ValueError, match="this processor has"):
        host.__wrapped__()


def test_thread_count(monkeypatch):
    monkeypatch.setenv("WEFT_NUM_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("WEFT_NUM_THREADS", "none")
    with pytest.raises(ValueError, match="WEFT_NUM_THREADS"):
        thread_count()
    monkeypatch.delenv("WEFT_NUM_THREADS")
    assert 1 <= thread_count() <= (os.cpu_count() or 1)


def test_limits_of_control_groups(tmp_path):
    listing, mount = tmp_path / "cgroup", tmp_path / "fs"
    (mount / "a" / "b").mkdir(parents=True)
    (mount / "a" / "cpu.max").write_text("150000 100000\n")
    (mount / "a" / "b" / "cpu.max").write_text("max 100000\n")
    (mount / "cpu" / "c").mkdir(parents=True)
    (mount / "cpu" / "c" / "cpu.cfs_quota_us").write_text("300000\n")
    (mount / "cpu" / "c" / "cpu.cfs_period_us").write_text("100000\n")
    listing.write_text("4:cpu,cpuacct:/c\n2:memory:/x\n0::/a/b\n")
    shares = sorted(set(_cgroup_shares(listing, mount)))
    assert shares[:2] == [1.5, 3.0]
    assert list(_cgroup_shares(tmp_path / "absent", mount)) == []
