"""Object code kept on disk, so that a program is compiled once per computer.

    objects = get_or_compile(sources, machine)     # bytes, in the order of the sources
    code = get_or_link(sources, machine)           # the same, linked into this process

A file's name is the hash of all that its bytes depend on: the text, the processor, the
version of LLVM and the passes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence

from weft.errors import CompileError
from weft.targets.llvm import image, jit
from weft.targets.llvm.disk import FORMAT, default_folder, disk, name_of
from weft.targets.llvm.machine import Machine


def key(source: str, machine: Machine) -> str:
    """The name of the object code of `source` for `machine`, in hexadecimal."""
    return name_of(
        f"weft {FORMAT}",
        jit.llvm_version(),
        jit.PIPELINE,
        machine.triple,
        machine.cpu,
        machine.features,
        source,
    )


# -- the two questions asked of it -----------------------------------------------------


# Linked code, shared by all programs that hold it.
_libraries: weakref.WeakValueDictionary[str, jit.Library] = weakref.WeakValueDictionary()


def get_or_compile(
    sources: Sequence[str],
    machine: Machine,
    *,
    compile: Callable[[Sequence[str], Machine], list[bytes]] = jit.compile_objects,
) -> list[bytes]:
    """The object code of each module's text, from the disk or compiled now.

    Equal texts are compiled once. Raises CompileError as `jit.compile_objects` does.

        >>> from weft.targets.llvm.machine import host
        >>> source = "define void @nothing() { ret void }"
        >>> first, second = get_or_compile([source, source], host())
        >>> first == second
        True
    """
    names = [key(source, machine) for source in sources]
    found = _fetch(dict(zip(names, sources, strict=True)), machine, compile)
    return [found[name] for name in names]


class Libraries:
    """Libraries that LLVM linked, each of which defines functions of the same names."""

    block = None  # they can't be kept

    def __init__(self, libraries: Sequence[jit.Library]) -> None:
        self._libraries = libraries

    def address(self, name: str, number: int = 0) -> int:
        """Where the function `name` of an object begins. CompileError if it has none."""
        return self._libraries[number].address(name)


# Code that we linked, shared by the programs that hold it.
_linked: weakref.WeakValueDictionary[tuple[str, ...], image.Code] = (
    weakref.WeakValueDictionary()
)


def get_or_link(sources: Sequence[str], machine: Machine) -> image.Code | Libraries:
    """As `get_or_compile`, linked into this process; it stays while someone holds it.

    `machine` must be one that this processor can run, as `host()` is.
    """
    if not image.can_link():
        return Libraries(get_or_load(sources, machine))
    names = tuple([key(source, machine) for source in sources])
    code = _linked.get(names)
    if code is not None:
        return code
    found = _fetch(dict(zip(names, sources, strict=True)), machine, jit.compile_objects)
    try:
        code = image.Code(image.link([found[name] for name in names]))
    except CompileError:
        # Another LLVM may use what our linker does not know; its own does.
        return Libraries(get_or_load(sources, machine))
    return _linked.setdefault(names, code)


def get_or_load(sources: Sequence[str], machine: Machine) -> list[jit.Library]:
    """As `get_or_compile`, linked by LLVM; equal texts share one library.

    A library stays while someone holds it.
    """
    names = [key(source, machine) for source in sources]
    held = {name: _libraries.get(name) for name in names}
    missing = {
        name: source
        for name, source in zip(names, sources, strict=True)
        if held[name] is None
    }
    for name, code in _fetch(missing, machine, jit.compile_objects).items():
        # Another thread may have linked the same code meanwhile: then that one is kept.
        held[name] = _libraries.setdefault(name, jit.load(code))
    return [library for name in names if (library := held[name]) is not None]


def _fetch(
    wanted: dict[str, str],
    machine: Machine,
    compile: Callable[[Sequence[str], Machine], list[bytes]],
) -> dict[str, bytes]:
    """Object code by name: read what is there, compile and keep the rest."""
    store = disk(default_folder())
    found: dict[str, bytes] = {}
    missing: list[str] = []
    for name in wanted:
        code = store.read(name)
        if code is None:
            missing.append(name)
        else:
            found[name] = code
    if missing:
        made = compile([wanted[name] for name in missing], machine)
        for name, code in zip(missing, made, strict=True):
            found[name] = code
            store.write(name, code)
    return found
