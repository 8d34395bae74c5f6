"""Programs kept on disk: a graph that was compiled once runs without the compiler.

    executable = get_or_compile(graph, donated={0: 1})

    graph as traced ── its name ──► kept? ── yes ──► tables + machine code ──► executable
                                      └──── no ───► program.compile_graph, then keep

The name is a hash of every node, so nothing is assumed of the Python that traced the graph.
Graphs that call Python while they run, or carry much data, are compiled in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weft import config
from weft.core.graph import Graph
from weft.core.primitive import REGISTRY
from weft.core.spec import Spec
from weft.dtypes import DType, canonical, from_numpy
from weft.targets.llvm import kept
from weft.targets.llvm.executable import Executable, Table
from weft.targets.llvm.image import Code
from weft.targets.llvm.runtime import Program, Tables

# Larger constants are neither hashed nor kept.
_MOST_BYTES = 1 << 20


def get_or_compile(graph: Graph, donated: Mapping[int, int] | None = None) -> Executable:
    """The native program of a graph, from the disk or compiled now.

    Args:
        graph: as traced.
        donated: input number → number of the output that is written over it.
    """
    donated = dict(donated or {})
    # Who asks to see the stages wants them to be gone through.
    name = None if config.shown_stages() else name_of(graph, donated)
    entry = kept.read(name) if name else None
    if entry is not None:
        return _restored(entry, graph, donated)
    from weft.targets.llvm.program import compile_graph

    executable = compile_graph(graph, donated)
    if name and (made := _entry(executable)) is not None:
        kept.write(name, made)
    return executable


# -- names -----------------------------------------------------------------------------


class _Nameless(Exception):
    """A graph with a parameter that only this process knows."""


def name_of(graph: Graph, donated: Mapping[int, int]) -> str | None:
    """The name of a graph's program, or None if it can't be kept."""
    try:
        return kept.name_of("program", _graph(graph), repr(sorted(donated.items())))
    except _Nameless:
        return None


def _graph(graph: Graph) -> str:
    """A graph in full; unlike its text form, with the content of constants."""
    numbers = {value: number for number, value in enumerate(graph.inputs)}
    lines = [str([repr(value.spec) for value in graph.inputs])]
    for node in graph.nodes:
        primitive = node.primitive
        if REGISTRY.get(primitive.name) is not primitive:
            raise _Nameless
        for value in node.outputs:
            numbers[value] = len(numbers)
        parameters = [f"{key}={_described(item)}" for key, item in node.parameters.items()]
        inputs = [numbers[value] for value in node.inputs]
        specs = [value.spec for value in node.outputs]
        lines.append(f"{primitive.name} {inputs} {parameters} {specs}")
    lines.append(str([numbers[value] for value in graph.outputs]))
    return "\n".join(lines)


def _described(parameter: Any) -> str:
    describe = _DESCRIBED.get(type(parameter))
    if describe is None:
        raise _Nameless
    return describe(parameter)


def _array(array: np.ndarray) -> str:
    if array.nbytes > _MOST_BYTES or array.dtype.hasobject:
        raise _Nameless
    content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return f"array({array.dtype.name}{array.shape} {content})"


# Python's own text of these says all: 1, 1.0 and True differ, and floats are exact.
_DESCRIBED: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((bool, int, float, complex, str, type(None)), repr),
    DType: lambda dtype: f"dtype({dtype.name})",
    Spec: repr,
    Graph: lambda graph: f"{{{_graph(graph)}}}",
    tuple: lambda items: f"({', '.join(map(_described, items))})",
    list: lambda items: f"[{', '.join(map(_described, items))}]",
    np.ndarray: _array,
}


# -- entries ---------------------------------------------------------------------------


def _entry(executable: Executable) -> kept.Entry | None:
    """An executable as data; None if it calls Python, or its code can't be moved."""
    program, table = executable.program, executable.table
    code = program.code
    constants = [array for _, array in table.constants]
    if not isinstance(code, Code) or program.hosts:
        return None
    if sum(array.nbytes for array in constants) > _MOST_BYTES:
        return None
    facts = {
        "tables": program.tables(code.base),
        "buffers": program.buffers,
        "width": program.width,
        "scratch_bytes": program.scratch_bytes,
        "serial": program.serial,
        "brief": program.brief,
        "size": table.size,
        "inputs": [slot for slot, _ in table.inputs],
        "outputs": [slot for slot, _ in table.outputs],
        "arena_bytes": table.arena_bytes,
        "arena": table.arena,
        "constants": [
            (slot, from_numpy(array.dtype).name, array.shape)
            for slot, array in table.constants
        ],
    }
    return kept.Entry(code.block, facts, [array.tobytes() for array in constants])


def _restored(entry: kept.Entry, graph: Graph, donated: Mapping[int, int]) -> Executable:
    facts = entry.facts
    code = Code(entry.block)
    program = Program(
        Tables(*facts["tables"]),
        base=code.base,
        hosts={},
        buffers=facts["buffers"],
        width=facts["width"],
        scratch_bytes=facts["scratch_bytes"],
        serial=facts["serial"],
        brief=facts["brief"],
        keep=code,
    )
    over = set(donated.values())
    results = [v.spec for number, v in enumerate(graph.outputs) if number not in over]
    constants = [
        (slot, np.frombuffer(content, canonical(dtype).numpy).reshape(shape))
        for (slot, dtype, shape), content in zip(facts["constants"], entry.parts, strict=True)
    ]
    table = Table(
        size=facts["size"],
        inputs=list(zip(facts["inputs"], graph.input_specs(), strict=True)),
        outputs=list(zip(facts["outputs"], results, strict=True)),
        arena_bytes=facts["arena_bytes"],
        arena=facts["arena"],
        constants=constants,
    )
    return Executable(program, table)
