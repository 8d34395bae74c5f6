"""Fusion: nodes into clusters, each of which becomes one kernel.

    h = dot(x, w); z = h + b; y = maximum(z, 0)      →  one contraction with an epilogue
    m = max(x, 1); e = exp(x - m); s = sum(e, 1); e / s   →  one row kernel

A cluster has a domain: a shape, and the axes that its reductions run over (none for a plain
map). A node joins the cluster of an operand if their domains agree, if it reads the cluster's
values at its own point (not shifted, transposed or gathered), and if no cycle arises. Views
(`FREE`) belong to no cluster: every reader does the index arithmetic itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.compiler.index import ZERO, Index, Var, of_var
from weft.compiler.indexed import ELEMENTWISE, EXPRESS, Builder, Where
from weft.compiler.loops import Expression
from weft.core.graph import Graph, Node, Value

FREE = frozenset(
    """reshape transpose broadcast slice reverse iota constant stop_gradient dynamic_slice
    windows""".split()
)
MAPS = ELEMENTWISE | {"pad", "concatenate", "gather", "random_bits"}
REDUCTIONS = {
    "reduce_sum": "sum", "reduce_prod": "prod", "reduce_max": "max", "reduce_min": "min",
    "reduce_any": "any", "reduce_all": "all", "argmax": "argmax", "argmin": "argmin",
}  # fmt: skip

LARGEST_CLUSTER = 300
LARGEST_EPILOGUE = 64
SMALL_DOMAIN = 16384


def kind_of(node: Node) -> str:
    """free, map, reduce, contract, or opaque."""
    name = node.primitive.name
    if any(value.dtype.kind not in ("float", "int", "uint", "bool") or "8_" in value.dtype.name
           for value in (*node.inputs, *node.outputs)):  # fmt: skip
        return "opaque"
    if name in FREE:
        return "free"
    if name == "nextafter" and node.output.dtype.size == 2:
        return "opaque"  # its steps are smaller than those of the float32 in registers
    if name in MAPS:
        return "map"
    if name in REDUCTIONS:
        return "reduce"
    return "contract" if name == "dot_general" else "opaque"


def reduced_axes(node: Node) -> tuple[int, ...]:
    """The axes over which a reduction node runs."""
    parameters = node.parameters
    return parameters["axes"] if "axes" in parameters else (parameters["axis"],)


@dataclass(eq=False, slots=True)
class Cluster:
    """Nodes that one kernel computes. `axes` are reduced; () for a plain map."""

    shape: tuple[int, ...]
    axes: tuple[int, ...] = ()
    kind: str = "loops"
    nodes: list[Node] = field(default_factory=list)
    stores: list[Value] = field(default_factory=list)
    reads: list[Value] = field(default_factory=list)

    @property
    def row_shape(self) -> tuple[int, ...]:
        axes = self.axes
        return tuple(e for axis, e in enumerate(self.shape) if axis not in axes)

    @property
    def kept_shape(self) -> tuple[int, ...]:
        axes = self.axes
        return tuple(1 if axis in axes else e for axis, e in enumerate(self.shape))

    def level(self, shape: tuple[int, ...]) -> str | None:
        """Where a value of this shape lives: 'full', 'row', 'kept' (rows with ones), or None."""
        if shape == self.shape:
            return "full"
        if not self.axes:
            return None
        if shape == self.row_shape:
            return "row"
        return "kept" if shape == self.kept_shape else None

    @property
    def contraction(self) -> Node | None:
        """The contraction whose epilogue the other nodes are."""
        if self.kind != "contract":
            return None
        return next(n for n in self.nodes if n.primitive.name == "dot_general")

    def __repr__(self) -> str:
        names = " ".join(node.primitive.name for node in self.nodes)
        return f"{self.kind}{list(self.shape)}/{self.axes}: {names}"


class _Recorder(Builder):
    """Notes which values are loaded, and at which index, through free nodes."""

    def __init__(self) -> None:
        self.loads: dict[tuple[Value, Where], None] = {}
        super().__init__(lambda node: kind_of(node) == "free", id)

    def load(
        self, value: Value, where: Where, guard: Expression | None = None
    ) -> Expression:
        self.loads[value, where] = None
        return super().load(value, where, guard)


def reads_of(node: Node) -> tuple[tuple[Var, ...], list[tuple[Value, Where]]]:
    """A node's own index variables, and its reads as (value, index) in terms of them.

    For a reduction the variables are those of its operand.
    """
    is_reduce = kind_of(node) == "reduce"
    shape = node.inputs[0].shape if is_reduce else node.output.shape
    variables = tuple([Var(f"i{axis}", extent) for axis, extent in enumerate(shape)])
    where = tuple([of_var(var) for var in variables])
    recorder = _Recorder()
    if is_reduce:
        recorder.build(node.inputs[0], where)
    else:
        EXPRESS[node.primitive.name](recorder, node, where)
    return variables, list(recorder.loads)


class _Fuser:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.cluster_of: dict[Node, Cluster] = {}
        self.clusters: dict[Cluster, None] = {}
        self.reads: dict[Node, tuple[tuple[Var, ...], list[tuple[Value, Where]]]] = {}
        self.sources: dict[Cluster, set[Cluster]] = {}

    # -- construction ---------------------------------------------------------------

    def run(self) -> list[Cluster]:
        for node in self.graph.nodes:
            kind = kind_of(node)
            if kind == "free":
                continue
            if kind in ("map", "reduce"):
                self.reads[node] = reads_of(node)
                self._place(node, kind)
            else:
                self._alone(node, kind)
        return list(self.clusters)

    def _alone(self, node: Node, kind: str) -> None:
        shape = node.output.shape if kind == "contract" else ()
        self._add(Cluster(shape, kind=kind), node, self._operand_clusters(node))

    def _operand_clusters(self, node: Node) -> set[Cluster]:
        """The clusters whose values an unfused node needs, through free nodes."""
        found: set[Cluster] = set()
        pending = list(node.inputs)
        while pending:
            producer = pending.pop().node
            if producer is None:
                continue
            if producer in self.cluster_of:
                found.add(self.cluster_of[producer])
            else:
                pending.extend(producer.inputs)
        return found

    def _add(self, cluster: Cluster, node: Node, sources: set[Cluster]) -> None:
        cluster.nodes.append(node)
        self.cluster_of[node] = cluster
        self.clusters[cluster] = None
        self.sources.setdefault(cluster, set()).update(sources - {cluster})

    def _place(self, node: Node, kind: str) -> None:
        needs = self._operand_clusters(node)
        candidates = [cluster for cluster in reversed(self.clusters) if cluster in needs]
        # A contraction can't be absorbed into a loop nest, but takes one as its epilogue.
        candidates.sort(key=lambda cluster: cluster.kind != "contract")
        for cluster in candidates:
            domain = self._joint_domain(cluster, node, kind)
            if domain is not None and not self._would_cycle({cluster}, needs):
                cluster.axes = domain
                self._add(cluster, node, needs)
                self._absorb_others(cluster, node, kind)
                return
        if kind == "reduce":
            new = Cluster(node.inputs[0].shape, reduced_axes(node))
        else:
            new = Cluster(node.output.shape)
        self._add(new, node, needs)

    def _absorb_others(self, cluster: Cluster, node: Node, kind: str) -> None:
        """Merge the clusters of the node's other operands in, where that fits."""
        for other in [c for c in self.clusters if c in self._operand_clusters(node)]:
            if other is cluster or other.kind != "loops":
                continue
            if other.axes or other.shape != cluster.shape:
                continue
            size = len(cluster.nodes) + len(other.nodes)
            limit = LARGEST_EPILOGUE if cluster.kind == "contract" else LARGEST_CLUSTER
            if size > limit or self._would_cycle({cluster, other}, set()):
                continue
            # What is moved must read the cluster's values at its own point, and the node
            # must read the moved values so, too.
            cluster_after = Cluster(cluster.shape, cluster.axes, cluster.kind)
            members = {*cluster.nodes, *other.nodes}
            if all(self._reads_in_place(cluster_after, m, members) for m in members):
                self._merge(cluster, other)

    def _merge(self, cluster: Cluster, other: Cluster) -> None:
        cluster.nodes += other.nodes
        for node in other.nodes:
            self.cluster_of[node] = cluster
        del self.clusters[other]
        self.sources[cluster] |= self.sources.pop(other)
        for sources in self.sources.values():
            if other in sources:
                sources.discard(other)
                sources.add(cluster)
        self.sources[cluster].discard(cluster)

    # -- tests ----------------------------------------------------------------------

    def _joint_domain(
        self, cluster: Cluster, node: Node, kind: str
    ) -> tuple[int, ...] | None:
        """The cluster's axes once `node` has joined, or None if it can't join."""
        limit = LARGEST_EPILOGUE if cluster.kind == "contract" else LARGEST_CLUSTER
        if cluster.kind not in ("loops", "contract") or len(cluster.nodes) >= limit:
            return None
        axes = cluster.axes
        if kind == "reduce":
            if cluster.kind == "contract" or node.inputs[0].shape != cluster.shape:
                return None
            axes = reduced_axes(node)
            if cluster.axes not in ((), axes):
                return None
        trial = Cluster(cluster.shape, axes, cluster.kind)
        shape = node.inputs[0].shape if kind == "reduce" else node.output.shape
        level = trial.level(shape)
        if level is None or (cluster.kind == "contract" and level != "full"):
            return None
        members = {*cluster.nodes, node}
        if not self._reads_in_place(trial, node, members):
            return None
        return axes

    def _reads_in_place(self, cluster: Cluster, node: Node, members: set[Node]) -> bool:
        """Whether `node` reads every value of `members` at its own point of the domain."""
        if kind_of(node) == "contract":
            # It reads its operands everywhere, so they must be finished before.
            return not any(value.node in members for value in _contraction_reads(node))
        variables, reads = self.reads[node]
        is_reduce = kind_of(node) == "reduce"
        level = cluster.level(tuple(var.extent for var in variables))
        for value, where in reads:
            if value.node not in members:
                continue
            if not self._same_point(cluster, level, variables, value, where):
                return False
            if is_reduce and cluster.level(value.shape) != "full":
                return False
            staged = self._is_row_value(cluster, value)
            if staged and level == "full" and not self._rows_are_cheap(cluster):
                return False
        return True

    def _is_row_value(self, cluster: Cluster, value: Value) -> bool:
        return cluster.level(value.shape) in ("row", "kept")

    def _rows_are_cheap(self, cluster: Cluster) -> bool:
        """Whether going over a row several times is better than storing it."""
        size = 1
        for extent in cluster.shape:
            size *= extent
        last = len(cluster.shape) - 1
        return last in cluster.axes or size <= SMALL_DOMAIN

    def _same_point(
        self, cluster: Cluster, level: str | None, variables: tuple[Var, ...],
        value: Value, where: Where,
    ) -> bool:  # fmt: skip
        own = self._coordinates(cluster, level, tuple(of_var(v) for v in variables))
        read = self._coordinates(cluster, cluster.level(value.shape), where)
        if own is None or read is None:
            return False
        # A row value may be read from anywhere in its row, a full one only at the point.
        return all(read[axis] == own[axis] for axis in read if axis in own) and (
            len(own) >= len(read) or all(read[a] == ZERO for a in read if a not in own)
        )

    def _coordinates(
        self, cluster: Cluster, level: str | None, where: Where
    ) -> dict[int, Index] | None:
        axes = cluster.axes
        kept = [axis for axis in range(len(cluster.shape)) if axis not in axes]
        if level == "full":
            return dict(enumerate(where))
        if level == "row":
            return dict(zip(kept, where))
        if level == "kept":
            return {axis: where[axis] for axis in kept}
        return None

    def _would_cycle(self, joined: set[Cluster], needs: set[Cluster]) -> bool:
        """Whether a path leads from a joined cluster through others back to one."""
        pending = [c for c in needs if c not in joined]
        for cluster in joined:
            pending += [c for c in self.sources.get(cluster, ()) if c not in joined]
        seen: set[Cluster] = set()
        while pending:
            cluster = pending.pop()
            if cluster in joined:
                return True
            if cluster not in seen:
                seen.add(cluster)
                pending += self.sources.get(cluster, ())
        return False


def fuse(graph: Graph) -> list[Cluster]:
    """The clusters of a graph, in an order in which they can run, with stores and reads.

    Free nodes whose values must have a buffer (results of the graph, operands of opaque
    nodes) get clusters of their own.
    """
    fuser = _Fuser(graph)
    fuser.run()
    _materialise(graph, fuser)
    return _ordered(graph, fuser)


def _materialise(graph: Graph, fuser: _Fuser) -> None:
    """Decide which values need buffers."""
    stored: dict[Value, None] = {}

    def need(value: Value) -> None:
        if value in stored or value.node is None:
            return
        stored[value] = None
        if kind_of(value.node) == "free":
            if value.node.primitive.name == "constant":
                return  # the program brings its bytes
            cluster = Cluster(value.shape, kind="loops")
            fuser._add(cluster, value.node, fuser._operand_clusters(value.node))
            fuser.reads[value.node] = reads_of(value.node)
            for source, _ in fuser.reads[value.node][1]:
                need(source)

    for cluster in list(fuser.clusters):
        for node in cluster.nodes:
            if cluster.kind == "opaque":
                for value in node.inputs:
                    need(value)
            elif kind_of(node) == "contract":
                for value in _contraction_reads(node):
                    need(value)
            else:
                for value, _ in fuser.reads[node][1]:
                    if value.node not in cluster.nodes:
                        need(value)
    for value in graph.outputs:
        need(value)
    for cluster in fuser.clusters:
        members = set(cluster.nodes)
        for node in cluster.nodes:
            cluster.stores += [v for v in node.outputs if v in stored]
            if cluster.kind == "opaque":
                reads = list(node.inputs)
            elif kind_of(node) == "contract":
                reads = _contraction_reads(node)
            else:
                reads = [value for value, _ in fuser.reads[node][1]]
            cluster.reads += [
                v for v in reads if v.node not in members and v not in cluster.reads
            ]


def _contraction_reads(node: Node) -> list[Value]:
    """The values with buffers that a contraction's operands are views of."""
    recorder = _Recorder()
    for operand in node.inputs:
        where = tuple([of_var(Var("i", extent)) for extent in operand.shape])
        recorder.build(operand, where)
    return list(dict.fromkeys(value for value, _ in recorder.loads))


def _ordered(graph: Graph, fuser: _Fuser) -> list[Cluster]:
    """Clusters so that each comes after what it reads; effects keep their order."""
    made = {value: cluster for cluster in fuser.clusters for value in cluster.stores}
    position = {node: i for i, node in enumerate(graph.nodes)}
    for cluster in fuser.clusters:
        cluster.nodes.sort(key=position.__getitem__)
    waiting = sorted(fuser.clusters, key=lambda c: max(position[n] for n in c.nodes))
    order: list[Cluster] = []
    done: set[Cluster] = set()
    visiting: list[tuple[Cluster, list[Cluster]]] = []
    effects = [c for c in waiting if any(n.primitive.effects for n in c.nodes)]
    before = dict(zip(effects[1:], effects))
    for first in waiting:
        visiting.append((first, []))
        while visiting:
            cluster, _ = visiting[-1]
            if cluster in done:
                visiting.pop()
                continue
            needed = [made[v] for v in cluster.reads if v in made and made[v] is not cluster]
            if cluster in before:
                needed.append(before[cluster])
            missing = [c for c in needed if c not in done]
            if missing:
                visiting.append((missing[0], []))
            else:
                done.add(cluster)
                order.append(cluster)
                visiting.pop()
    return order
