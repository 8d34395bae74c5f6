"""get_file: whole files or none, checksums, and archives that are not trusted."""

import gzip
import hashlib
import http.server
import io
import os
import random
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from weft.keras.utils import archives, files
from weft.keras.utils.files import get_file

CONTENT = b"thirty-two looms " * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def origin(tmp_path):
    source = tmp_path / "source" / "looms.txt"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    return source.as_uri()


def entries(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_is_fetched_once(home, origin, tmp_path, capsys):
    path = get_file("words.txt", origin)
    assert path == str(home / "datasets" / "words.txt")
    assert Path(path).read_bytes() == CONTENT
    assert "Downloading data from file:" in capsys.readouterr().out
    (tmp_path / "source" / "looms.txt").write_bytes(b"another edition")
    assert Path(get_file("words.txt", origin)).read_bytes() == CONTENT
    assert capsys.readouterr().out == ""
    get_file("words.txt", origin, force_download=True)
    assert Path(path).read_bytes() == b"another edition"
    assert entries(home / "datasets") == ["words.txt"]


def test_places_and_names(home, origin, tmp_path):
    assert get_file(origin=origin) == str(home / "datasets" / "looms.txt")
    assert get_file(Path("a"), origin, cache_subdir="b") == str(home / "b" / "a")
    assert get_file("a", origin, cache_dir=tmp_path / "c") == str(tmp_path / "c/datasets/a")
    absolute = tmp_path / "d"
    assert get_file("a", origin, cache_subdir=str(absolute)) == str(absolute / "a")


@pytest.mark.parametrize("name", ["a/b", "../a", "..", "."])
def test_names_with_folders_are_refused(home, origin, name):
    with pytest.raises(ValueError, match="name without folders"):
        get_file(name, origin)


@pytest.mark.parametrize(
    "origin", [None, "", "https://example.org/", "https://example.org"]
)
def test_an_origin_without_a_name_is_refused(home, origin):
    with pytest.raises(ValueError, match="origin"):
        get_file(origin=origin)


RIGHT_HASHES = [
    dict(file_hash=SHA256),
    dict(file_hash=SHA256.upper()),
    dict(file_hash=MD5),
    dict(file_hash=MD5, hash_algorithm="md5"),
    dict(file_hash=SHA256, hash_algorithm="sha256"),
    dict(md5_hash=MD5),
]


@pytest.mark.parametrize("hashes", RIGHT_HASHES)
def test_a_right_checksum_passes(home, origin, hashes):
    for _ in range(2):
        assert Path(get_file("a", origin, **hashes)).read_bytes() == CONTENT


@pytest.mark.parametrize("wrong", ["0" * 64, "0" * 32])
def test_a_wrong_checksum_keeps_nothing(home, origin, wrong):
    with pytest.raises(ValueError, match=f"must be {wrong}; received"):
        get_file("a", origin, file_hash=wrong)
    assert entries(home / "datasets") == []


def test_a_cached_file_with_a_wrong_checksum_is_fetched_again(home, origin, capsys):
    path = home / "datasets" / "a"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    with pytest.raises(ConnectionError):
        get_file("a", "file:///nowhere/at/all", file_hash=SHA256)
    assert path.read_bytes() == b"half"
    get_file("a", origin, file_hash=SHA256)
    assert path.read_bytes() == CONTENT


def test_impossible_hashes_are_refused(home, origin):
    with pytest.raises(ValueError, match="'auto', 'md5' or 'sha256'"):
        get_file("a", origin, file_hash=SHA256, hash_algorithm="crc")
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        get_file("a", origin, file_hash="12", hash_algorithm="sha256")


def test_offline_says_where_to_put_the_file(home):
    with pytest.raises(ConnectionError) as caught:
        get_file("a.bin", "http://127.0.0.1:9/a.bin")
    assert str(home / "datasets" / "a.bin") in str(caught.value)
    assert entries(home / "datasets") == []


class _Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[:1000])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_over_http(home, server, capsys):
    assert Path(get_file("a", f"{server}/whole", file_hash=SHA256)).read_bytes() == CONTENT
    assert "0.1/0.1 MB ━━━━━━━━━━━━━━━━━━━━" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("page", "reason"), [("short", "bytes are missing"), ("missing", "404")]
)
def test_a_broken_transfer_leaves_nothing(home, server, page, reason):
    with pytest.raises(ConnectionError, match=reason):
        get_file("a", f"{server}/{page}")
    assert entries(home / "datasets") == []


def test_an_interrupted_download_leaves_nothing(home, origin, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_transfer", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get_file("a", origin)
    assert entries(home / "datasets") == []


def test_the_cache_folder_follows_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "named"))
    assert files.cache_folder() == tmp_path / "named"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert files.cache_folder() == tmp_path / ".keras"


def test_an_unwritable_cache_is_read_but_not_written(tmp_path, monkeypatch):
    readable = tmp_path / "home" / "datasets" / "there"
    readable.parent.mkdir(parents=True)
    readable.write_bytes(CONTENT)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(files, "_can_write", lambda folder: "home" not in folder.parts)
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    assert files.cached_path("there") == readable
    assert files.cached_path("new") == tmp_path / "temporary/.keras/datasets/new"


# Archives.


def tar_bytes(members, mode="w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                tar.addfile(info)
    return buffer.getvalue()


def zip_bytes(members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if not isinstance(content, bytes):
                kind, content = content
                info.external_attr = kind << 16
            zipped.writestr(info, content)
    return buffer.getvalue()


GOOD = [
    ("flowers/rose.txt", b"red"),
    ("flowers/deep/tulip.txt", b"yellow"),
    ("read.me", b"hi"),
]
GOOD_TREE = [
    "flowers",
    "flowers/deep",
    "flowers/deep/tulip.txt",
    "flowers/rose.txt",
    "read.me",
]
PACKED = {
    "tar": tar_bytes(GOOD, "w"),
    "tar.gz": tar_bytes(GOOD, "w:gz"),
    "tar.bz2": tar_bytes(GOOD, "w:bz2"),
    "tar.xz": tar_bytes(GOOD, "w:xz"),
    "zip": zip_bytes(GOOD),
}


@pytest.mark.parametrize("ending", PACKED)
def test_archives_are_unpacked(home, tmp_path, ending):
    packed = tmp_path / f"flowers.{ending}"
    packed.write_bytes(PACKED[ending])
    folder = get_file(packed.name, packed.as_uri(), extract=True)
    assert folder == str(home / "datasets" / "flowers_extracted")
    assert entries(Path(folder)) == GOOD_TREE
    assert entries(home / "datasets") == sorted(
        [packed.name, "flowers_extracted"]
        + [f"flowers_extracted/{name}" for name in GOOD_TREE]
    )


def test_names_of_unpacked_folders(home, tmp_path):
    packed = tmp_path / "flowers.tgz"
    packed.write_bytes(PACKED["tar.gz"])
    datasets = home / "datasets"
    assert get_file(origin=packed.as_uri(), untar=True) == str(datasets / "flowers.tgz")
    assert (datasets / "flowers.tgz_archive").is_file()
    assert get_file("garden", packed.as_uri(), extract=True) == str(datasets / "garden")
    assert (datasets / "garden_archive").is_file()
    # Once more, over what is there: other files of the user stay.
    (datasets / "garden" / "mine.txt").write_text("mine")
    (datasets / "garden" / "read.me").write_text("changed")
    get_file("garden", packed.as_uri(), extract=True)
    assert (datasets / "garden" / "read.me").read_text() == "hi"
    assert (datasets / "garden" / "mine.txt").read_text() == "mine"


def test_what_is_no_archive_is_said(home, origin):
    with pytest.warns(UserWarning, match="is no archive"):
        get_file("a.tgz", origin, extract=True)
    with pytest.raises(ValueError, match=r"among \['tar', 'zip'\]"):
        archives.extract_archive("a", archive_format="rar")


UNSAFE = {
    "absolute": tar_bytes([("/tmp/evil", b"x")]),
    "parent": tar_bytes([("good", b"x"), ("a/../../evil", b"x")]),
    "windows parent": tar_bytes([("a\\..\\..\\evil", b"x")]),
    "drive": tar_bytes([("C:\\evil", b"x")]),
    "symbolic link": tar_bytes([("link", (tarfile.SYMTYPE, "/etc/passwd"))]),
    "hard link": tar_bytes([("a", b"x"), ("link", (tarfile.LNKTYPE, "a"))]),
    "device": tar_bytes([("null", (tarfile.CHRTYPE, ""))]),
    "pipe": tar_bytes([("pipe", (tarfile.FIFOTYPE, ""))]),
    "zip parent": zip_bytes([("good", b"x"), ("../evil", b"x")]),
    "zip absolute": zip_bytes([("/evil", b"x")]),
    "zip link": zip_bytes([("link", (0o120777, b"/etc/passwd"))]),
    "zip bomb": zip_bytes([("zeros", bytes(80 << 20))]),
    "tar bomb": tar_bytes([("zeros", bytes(90 << 20))]),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_unsafe_archives_are_refused_whole(tmp_path, kind, monkeypatch):
    # A smaller limit makes small bombs explode: deflate shrinks zeros a thousandfold.
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    packed = tmp_path / "archive"
    packed.write_bytes(UNSAFE[kind])
    with pytest.raises(archives.UnsafeArchiveError, match="nothing was unpacked"):
        archives.extract_archive(packed, tmp_path / "folder")
    assert entries(tmp_path) == ["archive"]


def test_a_bomb_in_the_header_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1 << 16)
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 64 << 20
    packed = tmp_path / "archive"
    packed.write_bytes(gzip.compress(info.tobuf() + bytes(64 << 20)))
    with pytest.raises(archives.UnsafeArchiveError):
        archives.extract_archive(packed, tmp_path / "folder")


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_MEMBER_COUNT", 2)
    packed = tmp_path / "archive"
    packed.write_bytes(PACKED["zip"])
    with pytest.raises(archives.UnsafeArchiveError, match="more than 2 members"):
        archives.extract_archive(packed, tmp_path / "folder")


@pytest.mark.parametrize("ending", PACKED)
def test_a_damaged_archive_leaves_nothing(tmp_path, ending):
    content = bytearray(PACKED[ending])
    packed = tmp_path / "archive"
    packed.write_bytes(bytes(content[: len(content) * 2 // 3]))
    folder = tmp_path / "folder"
    try:
        unpacked = archives.extract_archive(packed, folder)
    except ValueError as error:
        assert "damaged" in str(error)
        unpacked = False
    # The cut may fall into the padding behind the last file: then all of them must be
    # there.
    assert entries(folder) == GOOD_TREE if unpacked else entries(tmp_path) == ["archive"]


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path):
    content = bytearray(PACKED["tar"])
    second = 1024  # each file of GOOD takes a header and one block
    assert bytes(content[second : second + 12]) == b"flowers/deep"
    content[second + 150] ^= 0xFF
    packed = tmp_path / "archive"
    packed.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="damaged"):
        archives.extract_archive(packed, tmp_path / "folder")
    assert entries(tmp_path) == ["archive"]


@pytest.mark.parametrize("ending", PACKED)
def test_bytes_changed_at_random_leave_all_or_nothing(tmp_path, ending):
    chance = random.Random(ending)
    packed, folder = tmp_path / "archive", tmp_path / "folder"
    for _ in range(60):
        content = bytearray(PACKED[ending])
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        packed.write_bytes(bytes(content))
        try:
            unpacked = archives.extract_archive(packed, folder)
        except ValueError:
            unpacked = False
        assert folder.exists() == unpacked
        assert {path.name for path in tmp_path.iterdir()} <= {"archive", "folder"}
        shutil.rmtree(folder, ignore_errors=True)


def test_files_follow_the_users_umask(home, origin):
    before = os.umask(0o022)
    try:
        path = get_file("a", origin)
    finally:
        os.umask(before)
    if os.name == "posix":
        assert os.stat(path).st_mode & 0o777 == 0o644
