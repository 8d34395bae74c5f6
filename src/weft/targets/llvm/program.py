"""Graphs as native programs: steps, places of values, and the table that runs.

    executable = compile_graph(graph, donated={0: 1})
    outputs = executable([x, w])         # output 1 has been written over input 0

Three walks over the graph and the graphs inside it: `_plan` turns clusters into kernels and
orders them; all kernels are compiled at once (or found in the cache); `_Emitter` gives each
value a place and writes the instructions.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weft.compiler import memory
from weft.compiler.fuse import Cluster, fuse
from weft.compiler.pipeline import prepare, show
from weft.compiler.schedule import Schedule, Step, schedule
from weft.compiler.updates import can_update, lower_update
from weft.core.graph import Graph, Node, Value
from weft.core.spec import Spec
from weft.targets.llvm import cache
from weft.targets.llvm.executable import Executable, Layout, Table
from weft.targets.llvm.kernels import Kernel, kernels_of, nest_kernel
from weft.targets.llvm.machine import Machine, host
from weft.targets.llvm.runtime import Launch, ProgramBuilder

# Below this many nanoseconds of work the interpreter's lock is kept during a run.
BRIEF = 8_000.0


# -- plans -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Update:
    """A kernel that changes a part of `target`, which first gets the content of `source`."""

    kernel: Kernel
    source: Value
    target: Value


@dataclass(slots=True)
class HostCall:
    node: Node


@dataclass(slots=True)
class Branches:
    node: Node
    regions: tuple[Region, Region]


@dataclass(slots=True)
class Loop:
    node: Node
    condition: Region
    body: Region


@dataclass(slots=True)
class Region:
    """A graph as scheduled steps."""

    graph: Graph
    schedule: Schedule

    def kernels(self) -> list[Kernel]:
        """All kernels, also those of inner regions."""
        found: list[Kernel] = []
        for phase in self.schedule.phases:
            for step in phase:
                payload = step.payload
                if isinstance(payload, Kernel):
                    found.append(payload)
                elif isinstance(payload, Update):
                    found.append(payload.kernel)
                elif isinstance(payload, Branches):
                    for region in payload.regions:
                        found += region.kernels()
                elif isinstance(payload, Loop):
                    found += payload.condition.kernels() + payload.body.kernels()
        return found


def _plan(graph: Graph, wanted: Sequence[tuple[Value, Value]], machine: Machine) -> Region:
    steps: list[Step] = []
    for cluster in fuse(graph):
        steps += _steps_of(cluster, machine)
    return Region(graph, schedule(graph, steps, wanted))


def _steps_of(cluster: Cluster, machine: Machine) -> list[Step]:
    if cluster.kind == "opaque":
        (node,) = cluster.nodes
        return [OPAQUE.get(node.primitive.name, _host_step)(node, machine)]
    if not any(value.spec.size for value in cluster.stores):
        return [Step(None, (), tuple(cluster.stores))]
    return [
        Step(kernel, kernel.reads, kernel.writes, kernel.in_place)
        for kernel in kernels_of(cluster, machine)
    ]


def _host_step(node: Node, machine: Machine) -> Step:
    effects = node.primitive.effects
    return Step(HostCall(node), node.inputs, node.outputs, alone=True, effects=effects)


def _update_step(node: Node, machine: Machine) -> Step:
    if not can_update(node):
        return _host_step(node, machine)
    nest, values = lower_update(node)
    kernel = nest_kernel(nest, values, node.primitive.name, machine)
    source = node.inputs[0]
    in_place = {} if source in node.inputs[1:] else {node.output: {source}}
    payload = Update(kernel, source, node.output)
    return Step(payload, node.inputs, (node.output,), in_place, alone=True)


def _has_effects(graph: Graph) -> bool:
    return any(node.primitive.effects for node in graph.all_nodes())


def _branches_step(node: Node, machine: Machine) -> Step:
    first, second = [_plan(graph, (), machine) for graph in node.parameters["branches"]]
    effects = any(map(_has_effects, node.parameters["branches"]))
    payload = Branches(node, (first, second))
    return Step(payload, node.inputs, node.outputs, alone=True, effects=effects)


def _loop_step(node: Node, machine: Machine) -> Step:
    body, condition = node.parameters["body"], node.parameters["condition"]
    carried = list(zip(body.inputs, body.outputs))
    payload = Loop(node, _plan(condition, (), machine), _plan(body, carried, machine))
    in_place = {
        output: {operand}
        for output, operand in zip(node.outputs, node.inputs)
        if node.inputs.count(operand) == 1
    }
    effects = _has_effects(body) or _has_effects(condition)
    return Step(payload, node.inputs, node.outputs, in_place, alone=True, effects=effects)


OPAQUE: dict[str, Callable[[Node, Machine], Step]] = {
    "scatter": _update_step,
    "dynamic_update_slice": _update_step,
    "cond": _branches_step,
    "while_loop": _loop_step,
}


# -- places ----------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Place:
    """Where a value lies: an entry of the program's table.

    kind     input, output (both given anew at each run), constant, or arena
    """

    kind: str
    slot: int
    spec: Spec
    number: int = 0
    buffer: memory.Buffer | None = None
    array: np.ndarray | None = None


class _Emitter:
    """Writes a region's instructions; knows the place of every value."""

    def __init__(self, builder: ProgramBuilder, addresses: dict[int, int]) -> None:
        self.builder, self.addresses = builder, addresses
        self.places: list[Place] = []
        self.constants: dict[int, Place] = {}
        self.position = 0
        self.report: list[tuple[int, list[Kernel]]] = []

    # -- making places

    def place(self, kind: str, spec: Spec, **more: Any) -> Place:
        made = Place(kind, len(self.places), spec, **more)
        self.places.append(made)
        return made

    def arena(self, spec: Spec) -> Place:
        return self.place("arena", spec, buffer=memory.Buffer(spec.nbytes))

    def constant(self, node: Node) -> Place:
        array = node.parameters["value"]
        known = self.constants.get(id(array))
        if known is None:
            known = self.place(
                "constant", node.output.spec, array=np.ascontiguousarray(array)
            )
            self.constants[id(array)] = known
        return known

    def find(self, value: Value, where: dict[Value, Place]) -> Place:
        found = where.get(value)
        if found is None:
            if value.node is None or value.node.primitive.name != "constant":
                raise AssertionError(f"program: no place for {value!r}")
            found = where[value] = self.constant(value.node)
        self.touch(found)
        return found

    def touch(self, place: Place) -> None:
        if place.buffer is not None:
            place.buffer.touch(self.position)

    # -- regions

    def region(
        self, region: Region, where: dict[Value, Place], targets: Mapping[Value, Place]
    ) -> None:
        """Emit the steps. Values in `targets` are written straight to those places."""
        shared = _loop_operands(region)
        for phase in region.schedule.phases:
            self.position += 1
            for step in phase:
                for value in step.writes:
                    self._make(value, region, where, targets, shared)
            launches: list[Launch] = []
            running: list[Kernel] = []
            for step in phase:
                if isinstance(step.payload, Kernel):
                    launches.append(self._launch(step.payload, where))
                    running.append(step.payload)
                elif step.payload is not None:
                    EMIT[type(step.payload)](self, step, where)
            if launches:
                self._run(launches, running)

    def _run(self, launches: list[Launch], kernels: list[Kernel]) -> None:
        # The longest chunks first: what is short fills the gaps at the end.
        order = sorted(range(len(launches)), key=lambda i: -launches[i].nanoseconds)
        place = self.builder.run([launches[i] for i in order])
        self.report.append((place, [kernels[i] for i in order]))

    def _make(self, value, region, where, targets, shared) -> None:
        if value in where:
            self.touch(where[value])
            return
        old = region.schedule.aliases.get(value)
        if old is not None:
            where[value] = self.find(old, where)
        elif value in targets:
            where[value] = targets[value]
            self.touch(targets[value])
        elif value in shared:
            self._make(shared[value], region, where, targets, shared)
            where[value] = where[shared[value]]
        else:
            where[value] = self.arena(value.spec)
            self.touch(where[value])

    def _launch(self, kernel: Kernel, where: dict[Value, Place]) -> Launch:
        slots = [self.find(value, where).slot for value in kernel.values]
        each = kernel.estimate / max(1, kernel.chunks)
        return Launch(self.addresses[id(kernel)], slots, kernel.chunks, each)

    def copies(self, pairs: Sequence[tuple[Place, Place]]) -> None:
        """to = source for all pairs at once."""
        pairs = [
            (to, source) for to, source in pairs if to is not source and to.spec.nbytes
        ]
        targets = {to.slot for to, _ in pairs}
        self.position += 1
        moved: list[tuple[Place, Place]] = []
        for to, source in pairs:
            if source.slot in targets:
                spare = self.arena(source.spec)
                self._copy(spare, source)
                source = spare
            moved.append((to, source))
        self.position += 1
        for to, source in moved:
            self._copy(to, source)

    def _copy(self, to: Place, source: Place) -> None:
        self.touch(to)
        self.touch(source)
        self.builder.copy(to.slot, source.slot, to.spec.nbytes)

    # -- single steps

    def update(self, step: Step, where: dict[Value, Place]) -> None:
        payload: Update = step.payload
        self.copies([(self.find(payload.target, where), self.find(payload.source, where))])
        self.position += 1
        self._run([self._launch(payload.kernel, where)], [payload.kernel])

    def host(self, step: Step, where: dict[Value, Place]) -> None:
        node: Node = step.payload.node
        inputs = [self.find(value, where) for value in node.inputs]
        outputs = [self.find(value, where) for value in node.outputs]
        self.builder.host(_host_function(node, inputs, outputs))

    def branches(self, step: Step, where: dict[Value, Place]) -> None:
        payload: Branches = step.payload
        node = payload.node
        results = [self.find(value, where) for value in node.outputs]
        operands = [self.find(value, where) for value in node.inputs]
        otherwise, done = self.builder.label(), self.builder.label()
        self.builder.jump_unless(otherwise, operands[0].slot)
        for number, region in enumerate(payload.regions):
            self._branch(region, operands[1:], results)
            if number == 0:
                self.builder.jump(done)
                self.builder.place(otherwise)
        self.builder.place(done)
        self.position += 1
        for place in (*results, *operands):
            self.touch(place)

    def _branch(self, region: Region, operands: list[Place], results: list[Place]) -> None:
        inner = dict(zip(region.graph.inputs, operands))
        outputs = region.graph.outputs
        made = {
            v for phase in region.schedule.phases for step in phase for v in step.writes
        }
        targets: dict[Value, Place] = {}
        for value, result in zip(outputs, results):
            if value in made and value not in targets:
                targets[value] = result
        self.region(region, inner, targets)
        self.copies([(r, self.find(v, inner)) for v, r in zip(outputs, results)])

    def loop(self, step: Step, where: dict[Value, Place]) -> None:
        payload: Loop = step.payload
        node = payload.node
        carries = node.parameters["carries"]
        carried = [self.find(value, where) for value in node.outputs]
        operands = [self.find(value, where) for value in node.inputs]
        self.copies(list(zip(carried, operands)))
        self.position += 1
        begin = self.position
        entries = [*carried, *operands[carries:]]
        for place in entries:
            self.touch(place)
        top, done = self.builder.here(), self.builder.label()
        inner = dict(zip(payload.condition.graph.inputs, entries))
        self.region(payload.condition, inner, {})
        again = self.find(payload.condition.graph.outputs[0], inner)
        self.builder.jump_unless(done, again.slot)
        body = payload.body
        inner = dict(zip(body.graph.inputs, entries))
        self.region(body, inner, {})
        ends = [self.find(value, inner) for value in body.graph.outputs]
        self.copies(list(zip(carried, ends)))
        self.builder.jump(top)
        self.builder.place(done)
        self.position += 1
        for place in entries:
            self.touch(place)
        self._keep_through(begin)

    def _keep_through(self, begin: int) -> None:
        """What was made before a loop and is used in it lives until the loop ends."""
        for place in self.places:
            buffer = place.buffer
            if buffer is not None and buffer.first <= begin <= buffer.last:
                buffer.touch(self.position)


EMIT: dict[type, Callable[[_Emitter, Step, dict[Value, Place]], None]] = {
    Update: _Emitter.update,
    HostCall: _Emitter.host,
    Branches: _Emitter.branches,
    Loop: _Emitter.loop,
}


def _loop_operands(region: Region) -> dict[Value, Value]:
    """First values that only a loop reads: made in the place of what the loop carries."""
    readers: dict[Value, list[Step]] = {}
    made: set[Value] = set()
    loops: list[Step] = []
    for phase in region.schedule.phases:
        for step in phase:
            made.update(step.writes)
            for value in step.reads:
                readers.setdefault(value, []).append(step)
            if isinstance(step.payload, Loop | Update):
                loops.append(step)
    found: dict[Value, Value] = {}
    aliases = region.schedule.aliases
    results = set(region.graph.outputs)
    for step in loops:
        for new, olds in step.in_place.items():
            for old in olds:
                free = old in made and old not in aliases and old not in results
                if free and readers[old] == [step] and old not in found:
                    found[old] = new
    return found


def _host_function(
    node: Node, inputs: list[Place], outputs: list[Place]
) -> Callable[[int], None]:
    primitive, parameters = node.primitive, node.parameters

    def call(table: int) -> None:
        entries = (ctypes.c_int64 * 1).from_address
        arrays = [_view(entries(table + 8 * p.slot)[0], p.spec) for p in inputs]
        found = primitive.evaluate(*[array.copy() for array in arrays], **parameters)
        results = found if primitive.results else (found,)
        for place, result in zip(outputs, results):
            if place.spec.nbytes:
                _view(entries(table + 8 * place.slot)[0], place.spec)[...] = result

    call.node = node  # type: ignore[attr-defined]  # for explanations
    return call


def _view(address: int, spec: Spec) -> np.ndarray:
    if not spec.nbytes:
        return np.empty(spec.shape, spec.dtype.numpy)
    raw: Any = (ctypes.c_char * spec.nbytes).from_address(address)
    return np.frombuffer(raw, spec.dtype.numpy).reshape(spec.shape)


# -- compiling -------------------------------------------------------------------------------


def kernel_sources(graph: Graph, machine: Machine) -> list[str]:
    """The LLVM sources of a graph's kernels for any machine, also one that is not here."""
    region = _plan(prepare(graph), (), machine)
    return [kernel.source for kernel in region.kernels()]


def compile_graph(
    graph: Graph, donated: Mapping[int, int] | None = None, machine: Machine | None = None
) -> Executable:
    """Compile a graph to a native program.

    Args:
        graph: as traced; it is simplified first.
        donated: input number → number of the output that is written over it.
        machine: the host unless given; it must be able to run here.
    """
    donated = dict(donated or {})
    machine = machine or host()
    graph = prepare(graph)
    wanted = [(graph.inputs[i], graph.outputs[o]) for i, o in donated.items()]
    region = _plan(graph, wanted, machine)
    kernels = region.kernels()
    for kernel in kernels:
        show("kernels", kernel.label)
        show("llvm", kernel.source)
    code = cache.get_or_link([kernel.source for kernel in kernels], machine)
    addresses = {
        id(kernel): code.address("kernel", number) for number, kernel in enumerate(kernels)
    }
    return _assemble(graph, donated, region, kernels, addresses, code)


def _assemble(graph, donated, region, kernels, addresses, code) -> Executable:
    builder = ProgramBuilder(buffers=1 << 30)
    emitter = _Emitter(builder, addresses)
    inputs = [
        emitter.place("input", value.spec, number=i) for i, value in enumerate(graph.inputs)
    ]
    where = dict(zip(graph.inputs, inputs))
    into = {output: inputs[i] for i, output in donated.items()}
    results: list[Place] = []
    targets: dict[Value, Place] = {}
    made = {v for phase in region.schedule.phases for step in phase for v in step.writes}
    finals: list[Place] = []
    for number, value in enumerate(graph.outputs):
        if number in into:
            finals.append(into[number])
            continue
        place = emitter.place("output", value.spec, number=number)
        results.append(place)
        finals.append(place)
        if value in made and value not in targets and value not in region.schedule.aliases:
            targets[value] = place
    emitter.region(region, where, targets)
    emitter.copies([(f, emitter.find(v, where)) for v, f in zip(graph.outputs, finals)])
    arena = memory.assign_offsets(
        [p.buffer for p in emitter.places if p.buffer is not None]
    )
    show("memory", f"{graph.name}: arena {arena / 2**20:.2f} MiB")
    estimate = sum(kernel.estimate for kernel in kernels)
    has_loop = any(True for node in graph.nodes if tuple(node.subgraphs()))
    program = builder.finish(
        scratch_bytes=max([kernel.scratch_bytes for kernel in kernels], default=0),
        brief=estimate < BRIEF and not has_loop,
        keep=code,
    )
    table = Table(
        size=len(emitter.places) + 1,
        inputs=[(place.slot, place.spec) for place in inputs],
        outputs=[(place.slot, place.spec) for place in results],
        arena_bytes=arena,
        arena=[(p.slot, p.buffer.offset) for p in emitter.places if p.buffer is not None],
        constants=[(p.slot, p.array) for p in emitter.places if p.array is not None],
    )
    return Executable(program, table, Layout(graph, emitter.report))
