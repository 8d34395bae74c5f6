"""LLVM's text to machine code, and machine code into memory.

    objects = compile_objects([module.text()], machine)   # relocatable object files
    library = load(objects[0])                            # linked into this process
    library.address("axpy")                               # of a function, as an integer

`image` links without LLVM where it can; `load` is for the other systems.

Compilation runs in several threads. llvmlite guards every call with one lock, because its
users share a context; here every module has a context of its own, which is LLVM's rule for
using threads, so the same entry points are called without that lock.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import threading
from collections.abc import Sequence
from typing import Any

from weft.errors import CompileError
from weft.targets.llvm import pages
from weft.targets.llvm.image import external
from weft.targets.llvm.machine import Machine, thread_count

# Part of the key of cached objects: change it whenever the passes below change.
PIPELINE = "inline,simplify-1,codegen-2"

# Reentrant, so that it can be held over a fork by a thread that is compiling.
_LOCK = threading.RLock()

# After so many modules LLVM's pages are given back, which costs some milliseconds.
_MANY = 8


# -- LLVM's entry points without llvmlite's lock ---------------------------------------

_ENTRY_POINTS = (
    "ContextCreate ContextDispose ParseAssembly VerifyModule DisposeModule DisposeString "
    "SetTarget SetDataLayout GetTargetFromTriple CreateTargetMachine DisposeTargetMachine "
    "CreateTargetMachineData CopyStringRepOfTargetData DisposeTargetData "
    "CreatePipelineTuningOptions DisposePipelineTuningOptions PTOSetLoopVectorization "
    "PTOSetSLPVectorization PTOSetLoopUnrolling PTOSetLoopInterleaving "
    "CreatePassBuilder DisposePassBuilder buildFunctionSimplificationPipeline "
    "CreateNewModulePassManager module_AddAlwaysInlinerPass module_AddGlobalDCEPass "
    "RunNewModulePassManager DisposeNewModulePassManger RunNewFunctionPassManager "
    "DisposeNewFunctionPassManger ModuleFunctionsIter FunctionsIterNext "
    "DisposeFunctionsIter IsDeclaration TargetMachineEmitToMemory GetBufferStart "
    "GetBufferSize DisposeMemoryBuffer"
).split()


class _EntryPoints:
    """The C functions of llvmlite's library, by name without the prefix LLVMPY_."""

    def __init__(self) -> None:
        from llvmlite.binding import ffi

        llvm_is_ready()
        try:
            library = ctypes.CDLL(ffi.lib._name)
            self.parallel = True
        except (AttributeError, OSError):
            # A llvmlite that hides its library: its own functions, one at a time.
            library, self.parallel = None, False
        for name in _ENTRY_POINTS:
            locked = getattr(ffi.lib, f"LLVMPY_{name}")
            function = locked
            if library is not None:
                function = library[f"LLVMPY_{name}"]
                function.argtypes, function.restype = locked.argtypes, locked.restype
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # for type checkers: set in __init__
        raise AttributeError(name)


@functools.cache
def llvm_is_ready() -> None:
    """Register the code generator of this computer's processor, once."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    release_pages()


def release_pages() -> None:
    """Give LLVM's own pages back; the next compilation takes them again."""
    from llvmlite.binding import ffi

    pages.release(getattr(ffi.lib, "_name", ""))


@functools.cache
def _entry_points() -> _EntryPoints:
    return _EntryPoints()


@functools.cache
def llvm_version() -> str:
    """The version of LLVM inside llvmlite, and of llvmlite."""
    import llvmlite
    import llvmlite.binding as llvm

    return ".".join(map(str, llvm.llvm_version_info)) + "/" + llvmlite.__version__


class _Compiler:
    """A target machine and the passes, for one thread; compiles module after module."""

    def __init__(self, machine: Machine) -> None:
        self.llvm = llvm = _entry_points()
        self.triple = machine.triple.encode()
        message = ctypes.c_char_p()
        target = llvm.GetTargetFromTriple(self.triple, ctypes.byref(message))
        if not target:
            raise CompileError(f"llvm: {machine.triple}: {self._take(message)}")
        # Small and position independent: constants are addressed relative to the code.
        self.target = llvm.CreateTargetMachine(
            target, self.triple, machine.cpu.encode(), machine.features.encode(),
            2, b"pic", b"small", 0, 1, b"",
        )  # fmt: skip
        layout = llvm.CreateTargetMachineData(self.target)
        llvm.CopyStringRepOfTargetData(layout, ctypes.byref(message))
        self.layout = self._take(message).encode()
        llvm.DisposeTargetData(layout)
        self.tuning = llvm.CreatePipelineTuningOptions()
        # Kernels arrive with explicit vectors and unrolled tiles.
        llvm.PTOSetLoopVectorization(self.tuning, False)
        llvm.PTOSetSLPVectorization(self.tuning, False)
        llvm.PTOSetLoopUnrolling(self.tuning, False)
        llvm.PTOSetLoopInterleaving(self.tuning, False)

    def close(self) -> None:
        self.llvm.DisposePipelineTuningOptions(self.tuning)
        self.llvm.DisposeTargetMachine(self.target)

    def _take(self, message: ctypes.c_char_p) -> str:
        """The text of a message that LLVM allocated; gives it back."""
        text = (message.value or b"").decode(errors="replace")
        if message:
            self.llvm.DisposeString(message)
            message.value = None
        return text

    def compile(self, source: str) -> bytes:
        """One module's text → its object file."""
        llvm = self.llvm
        message = ctypes.c_char_p()
        context = llvm.ContextCreate()
        module = None
        try:
            module = llvm.ParseAssembly(context, source.encode(), ctypes.byref(message))
            if not module or message:
                raise _refusal("parse", self._take(message), source)
            llvm.SetTarget(module, self.triple)
            llvm.SetDataLayout(module, self.layout)
            if llvm.VerifyModule(module, ctypes.byref(message)):
                raise _refusal("verify", self._take(message), source)
            self._take(message)
            self._simplify(module)
            memory = llvm.TargetMachineEmitToMemory(
                self.target, module, 1, ctypes.byref(message)
            )
            if not memory:
                raise _refusal("emit", self._take(message), source)
            try:
                start, size = llvm.GetBufferStart(memory), llvm.GetBufferSize(memory)
                return ctypes.string_at(start, size)
            finally:
                llvm.DisposeMemoryBuffer(memory)
        finally:
            if module:
                llvm.DisposeModule(module)
            llvm.ContextDispose(context)

    def _simplify(self, module: Any) -> None:
        """Inline what says so, then LLVM's level-1 function passes.

        They hoist, combine and fold, which is all that explicit vector code needs.
        """
        llvm = self.llvm
        builder = llvm.CreatePassBuilder(self.target, self.tuning)
        inline = llvm.CreateNewModulePassManager()
        passes = llvm.buildFunctionSimplificationPipeline(builder, 1)
        llvm.module_AddAlwaysInlinerPass(inline)
        llvm.module_AddGlobalDCEPass(inline)
        llvm.RunNewModulePassManager(inline, module, builder)
        iterator = llvm.ModuleFunctionsIter(module)
        while function := llvm.FunctionsIterNext(iterator):
            if not llvm.IsDeclaration(function):
                llvm.RunNewFunctionPassManager(passes, function, builder)
        llvm.DisposeFunctionsIter(iterator)
        llvm.DisposeNewFunctionPassManger(passes)
        llvm.DisposeNewModulePassManger(inline)
        llvm.DisposePassBuilder(builder)


def _refusal(stage: str, message: str, source: str) -> CompileError:
    head = "\n".join(source.splitlines()[:12])
    return CompileError(
        f"llvm: a module must {stage}; received: {message.strip()}; the module begins\n"
        f"{head}\nWEFT_SHOW=llvm prints modules in full"
    )


def compile_objects(
    sources: Sequence[str], machine: Machine, *, threads: int | None = None
) -> list[bytes]:
    """Compile each module's text for `machine`; returns relocatable object files, in order.

    The bytes do not depend on `threads` (all processors, unless given).
    Raises CompileError with LLVM's message for a module that is not valid.

        >>> from weft.targets.llvm.machine import host
        >>> len(compile_objects(["define void @nothing() { ret void }"], host()))
        1
    """
    with _LOCK:
        can_share = _entry_points().parallel
        threads = threads or thread_count()
        threads = min(threads, len(sources)) if can_share else 1
        # The longest first, so that none is left over for the end.
        waiting = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
        following = itertools.count()
        objects: list[bytes] = [b""] * len(sources)

        def work() -> None:
            compiler = _Compiler(machine)
            try:
                while (turn := next(following)) < len(waiting):
                    place = waiting[turn]
                    objects[place] = compiler.compile(sources[place])
            finally:
                compiler.close()

        failures: list[BaseException] = []

        def guarded() -> None:
            try:
                work()
            except BaseException as failure:
                failures.append(failure)

        helpers = [threading.Thread(target=guarded) for _ in range(threads - 1)]
        started = []
        for helper in helpers:
            try:
                helper.start()
            except RuntimeError:  # no more threads to be had: fewer will do
                break
            started.append(helper)
        if sources:
            guarded()
        for helper in started:
            helper.join()
        if len(sources) >= _MANY:
            release_pages()
        if failures:
            raise failures[0]
        return objects


# -- loading ---------------------------------------------------------------------------


class Library:
    """Linked machine code; it is unloaded when the last reference is dropped."""

    __slots__ = ("__weakref__", "_addresses", "_linker", "_name", "_trackers")

    def __init__(self, linker: Any, name: str, tracker: Any) -> None:
        self._linker, self._name = linker, name
        # Dropping any of these unloads the library, so all are held together.
        self._trackers = [tracker]
        self._addresses: dict[str, int] = {}

    def address(self, name: str) -> int:
        """The address of the function `name`. Raises CompileError if it is not there."""
        if name not in self._addresses:
            with _LOCK:
                try:
                    found = self._linker.lookup(self._name, name)
                except RuntimeError as error:
                    raise CompileError(
                        f"llvm: {name} must be defined by its object and use only "
                        f"symbols that exist; received: {error}"
                    ) from None
                self._trackers.append(found)
                self._addresses[name] = found[name]
        return self._addresses[name]


# A linker keeps some kilobytes for every library it ever had, so each serves a few
# dozen, and goes when the last of them goes.
_LIBRARIES_PER_LINKER = 64
# What machine code may call without our asking for it.
_EXTERNALS = ("memcpy", "memmove", "memset", *(["__chkstk"] if os.name == "nt" else []))
_library_numbers = itertools.count()
_newest_linker: list[Any] = []


def _linker(number: int) -> Any:
    """The in-memory linker for the library of this number."""
    import llvmlite.binding as llvm

    if not _newest_linker or number % _LIBRARIES_PER_LINKER == 0:
        llvm_is_ready()
        target = llvm.Target.from_triple(llvm.get_process_triple())
        machine = target.create_target_machine(reloc="pic", codemodel="small", jit=True)
        linker = llvm.create_lljit_compiler(
            machine, use_jit_link=True, suppress_errors=True
        )
        _newest_linker[:] = [linker]
    return _newest_linker[0]


def load(object_code: bytes) -> Library:
    """Link an object file that `compile_objects` made into this process.

    Bytes from elsewhere must be checked first: LLVM trusts them. Raises CompileError.
    """
    import llvmlite.binding as llvm

    with _LOCK:
        number = next(_library_numbers)
        linker, name = _linker(number), f"weft{number}"
        builder = llvm.JITLibraryBuilder().add_object_img(object_code)
        for symbol in _EXTERNALS:
            builder.import_symbol(symbol, external(symbol))
        try:
            return Library(linker, name, builder.link(linker, name))
        except RuntimeError as error:
            raise CompileError(f"llvm: an object must link; received: {error}") from None


if hasattr(os, "register_at_fork"):
    # A child must not be born while another thread is inside LLVM.
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
