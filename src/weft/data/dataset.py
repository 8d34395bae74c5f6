"""Dataset: a pipeline of elements, in the manner of tf.data.

    dataset = Dataset.from_tensor_slices((x, y)).shuffle(60000).batch(128)
    for images, labels in dataset:
        ...

A Dataset never changes; every method gives a new one. Nothing is computed before elements
are asked for. Elements are tensors, or tuples, named tuples and dicts of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from weft.core.state import STATE, eager, recording
from weft.core.tensor import Tensor
from weft.data import combine, files, grouping, node, sources, steps
from weft.data.background import AUTOTUNE, worker_count
from weft.data.element import (
    INFINITE,
    UNKNOWN,
    map_leaves,
    stack,
    to_arrays,
    to_tensors,
    with_unknown_extents,
)
from weft.data.functions import UserFunction
from weft.data.iterator import DatasetIterator
from weft.data.traced import reduce_in_graph
from weft.errors import ArgumentError, ArgumentTypeError
from weft.function.signature import TensorSpec
from weft.ops.convert import integer
from weft.random import make_default_seed

INFINITE_CARDINALITY = INFINITE
UNKNOWN_CARDINALITY = UNKNOWN

# How many datasets `interleave` takes in turn where weft chooses.
_CYCLE = 4


class Options:
    """Settings of a pipeline, as tf.data has them.

    weft keeps what is set here and needs none of it: pipelines are in order and
    deterministic, and threads are as many as there are processors.
    """

    def __init__(self) -> None:
        self.deterministic: bool | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        group = Options()
        object.__setattr__(self, name, group)
        return group


class Dataset:
    """A sequence of elements and the steps that make them. See `from_tensor_slices`.

    Example:
        >>> from weft.data import Dataset
        >>> dataset = Dataset.range(5).map(lambda x: x * x).batch(2)
        >>> [batch.numpy().tolist() for batch in dataset]
        [[0, 1], [4, 9], [16]]
    """

    def __init__(self, source: node.Node) -> None:
        if not isinstance(source, node.Node):
            raise ArgumentTypeError(
                f"Dataset: it is made by its functions, such as Dataset.from_tensor_slices"
                f"(data); received {type(source).__name__}"
            )
        self._node = source
        self._options = Options()

    def _row_batches(self) -> Any:
        """For training loops that gather rows themselves: see `Node.row_batches`."""
        return self._node.row_batches()

    # -- where data comes from -----------------------------------------------------------

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The rows of arrays: slices along the first axis.

        Data is copied once; arrays that are mapped from files are read when needed.

        Raises:
            ShapeError: numbers of rows that differ, or data without axes.

        Example:
            >>> from weft.data import Dataset
            >>> rows = Dataset.from_tensor_slices({"x": [[1, 2], [3, 4]], "y": [0, 1]})
            >>> [(row["x"].tolist(), int(row["y"])) for row in rows]
            [([1, 2], 0), ([3, 4], 1)]
        """
        return Dataset(sources.Slices(to_arrays(tensors)))

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element, which holds all of the data."""
        return Dataset(node.Tensors(to_arrays(tensors)))

    @staticmethod
    def from_generator(
        generator: Callable,
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """What `generator(*args)` yields; it is called anew for each pass.

        output_signature: a structure of TensorSpecs that each element must fit; without it
            (and without output_types) elements are taken as they come.

        Example:
            >>> import weft
            >>> from weft.data import Dataset
            >>> def count(stop):
            ...     for number in range(int(stop)):
            ...         yield number
            >>> spec = weft.TensorSpec((), "int32")
            >>> numbers = Dataset.from_generator(count, args=(3,), output_signature=spec)
            >>> [int(number) for number in numbers]
            [0, 1, 2]
        """
        if output_signature is None and output_types is not None:
            output_signature = _signature(output_types, output_shapes)
        given = [argument.numpy() for argument in to_tensors(to_arrays(tuple(args or ())))]
        return Dataset(sources.Generated(generator, output_signature, given))

    @staticmethod
    def range(*args: Any, output_type: Any = "int64", name: str | None = None) -> Dataset:
        """The numbers of Python's `range(*args)`, as int64."""
        numbers = [integer(argument, "Dataset.range", "a bound") for argument in args]
        return Dataset(sources.Range(range(*numbers), output_type))

    @staticmethod
    def counter(
        start: int = 0, step: int = 1, dtype: Any = "int64", name: str | None = None
    ) -> Dataset:
        """The numbers start, start + step, … without end."""
        return Dataset(sources.Counter(int(start), int(step), dtype))

    @staticmethod
    def random(
        seed: int | None = None,
        rerandomize_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Random int64 numbers from 0 to 2**32 - 1, without end."""
        return Dataset(sources.RandomNumbers(_seed(seed), bool(rerandomize_each_iteration)))

    @staticmethod
    def list_files(
        file_pattern: Any,
        shuffle: bool | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The names of the files that match a pattern (or one of several).

        Shuffled anew for each pass unless `shuffle` is False; then sorted.

        Raises:
            ArgumentError: no file matches.
        """
        names = Dataset(sources.Files(file_pattern))
        count = len(names)
        return names if shuffle is False else names.shuffle(max(count, 1), seed)

    @staticmethod
    def load(
        path: Any,
        element_spec: Any = None,
        compression: str | None = None,
        reader_func: Callable | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The dataset that `save` wrote to the folder `path`."""
        loaded = Dataset(files.Saved(path))
        if reader_func is None:
            return loaded
        return reader_func(Dataset(node.Held([loaded._node])))

    # -- several datasets ------------------------------------------------------------------

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Datasets side by side: elements are tuples (or dicts), up to the shortest.

        Example:
            >>> from weft.data import Dataset
            >>> pairs = Dataset.zip(Dataset.range(3), Dataset.range(10, 20))
            >>> [(int(a), int(b)) for a, b in pairs]
            [(0, 10), (1, 11), (2, 12)]
        """
        given: Any = args if datasets is None else (datasets,)
        if len(given) == 1 and isinstance(given[0], tuple | list | dict):
            given = given[0]
        given = tuple(given) if isinstance(given, list) else given
        return Dataset(combine.Zip(map_leaves(lambda one: _node_of(one, "zip"), given)))

    @staticmethod
    def sample_from_datasets(
        datasets: Sequence[Dataset],
        weights: Any = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:
        """Elements of several datasets at random, each with its weight."""
        nodes = [_node_of(one, "sample_from_datasets") for one in datasets]
        if weights is None:
            weights = [1.0] * len(nodes)
        elif isinstance(weights, Dataset):
            raise ArgumentTypeError(
                "sample_from_datasets: weights must be a list of numbers; received a "
                "Dataset"
            )
        weights = np.asarray(getattr(weights, "_array", weights), np.float64)
        if weights.shape != (len(nodes),) or (weights < 0).any() or not weights.sum() > 0:
            raise ArgumentError(
                "sample_from_datasets: weights must be one number of at least 0 for each "
                f"of {len(nodes)} datasets; received {weights.tolist()}"
            )
        again = rerandomize_each_iteration is not False
        choices = combine.WeightedChoices(weights, _seed(seed), again)
        return Dataset(
            combine.Select("sample_from_datasets", nodes, choices, stop_on_empty_dataset)
        )

    @staticmethod
    def choose_from_datasets(
        datasets: Sequence[Dataset],
        choice_dataset: Dataset,
        stop_on_empty_dataset: bool = True,
    ) -> Dataset:
        """Elements of several datasets; `choice_dataset` gives the number of each one's."""
        nodes = [_node_of(one, "choose_from_datasets") for one in datasets]
        choices = combine.choices_of(_node_of(choice_dataset, "choose_from_datasets"))
        return Dataset(
            combine.Select("choose_from_datasets", nodes, choices, stop_on_empty_dataset)
        )

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """These elements, then those of another dataset."""
        made = combine.Concatenate(self._node, _node_of(dataset, "concatenate"))
        made.spec  # Both must have one structure: said here, not in the middle of a pass.
        return Dataset(made)

    # -- functions of elements -------------------------------------------------------------

    def map(
        self,
        map_func: Callable,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """`map_func` of every element; tuples are spread over its parameters.

        The function is traced and compiled once per shape, and runs as plain Python where
        it cannot be traced (it asks for values, reads files, works on text).

        num_parallel_calls: threads that run it; AUTOTUNE for one per processor.
        deterministic: False lets results come in the order in which they are ready.

        Raises (while iterating): the function's own error, with its name and the number of
        the element in the message.
        """
        calls = _calls(num_parallel_calls, "map")
        function = UserFunction(map_func, "map", Dataset)
        return Dataset(steps.Map(self._node, function, calls, deterministic is not False))

    def filter(self, predicate: Callable, name: str | None = None) -> Dataset:
        """The elements for which `predicate` gives True."""
        return Dataset(steps.Filter(self._node, UserFunction(predicate, "filter", Dataset)))

    def take_while(self, predicate: Callable, name: str | None = None) -> Dataset:
        """The elements up to the first for which `predicate` gives False."""
        function = UserFunction(predicate, "take_while", Dataset)
        return Dataset(steps.TakeWhile(self._node, function))

    def flat_map(self, map_func: Callable, name: str | None = None) -> Dataset:
        """The elements of the datasets that `map_func` makes, one after the other."""
        function = UserFunction(map_func, "flat_map", Dataset, makes_datasets=True)
        return Dataset(combine.FlatMap(self._node, function))

    def interleave(
        self,
        map_func: Callable,
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The elements of the datasets that `map_func` makes, several of them in turn.

        cycle_length: how many are taken in turn (4 if it is not given).
        block_length: how many elements of one before the next one's turn.
        num_parallel_calls: if given, each makes its elements ahead in a thread.
        """
        calls = _calls(num_parallel_calls, "interleave")
        cycle = _CYCLE if cycle_length in (None, AUTOTUNE) else cycle_length
        if cycle_length in (None, AUTOTUNE) and calls not in (None, AUTOTUNE):
            cycle = calls
        block = 1 if block_length is None else block_length
        function = UserFunction(map_func, "interleave", Dataset, makes_datasets=True)
        return Dataset(
            combine.Interleave(
                self._node,
                function,
                _positive(cycle, "interleave", "cycle_length"),
                _positive(block, "interleave", "block_length"),
                is_parallel=worker_count(calls) > 0,
            )
        )

    def scan(
        self, initial_state: Any, scan_func: Callable, name: str | None = None
    ) -> Dataset:
        """The results of `scan_func(state, element) -> (state, result)`.

        Example:
            >>> from weft.data import Dataset
            >>> sums = Dataset.range(1, 5).scan(0, lambda total, x: (total + x, total + x))
            >>> [int(total) for total in sums]
            [1, 3, 6, 10]
        """
        function = UserFunction(scan_func, "scan", Dataset)
        return Dataset(steps.Scan(self._node, to_arrays(initial_state), function))

    def reduce(
        self, initial_state: Any, reduce_func: Callable, name: str | None = None
    ) -> Any:
        """All elements as one state: `state = reduce_func(state, element)`, in order.

        Inside of a traced function this is a loop of its graph that takes elements when the
        program runs; elements must then have one shape (a shorter last batch may end them).

        Example:
            >>> from weft.data import Dataset
            >>> int(Dataset.range(5).reduce(0, lambda total, x: total + x))
            10
        """
        if STATE.trace is not None:
            return reduce_in_graph(self._node, initial_state, reduce_func)
        function = UserFunction(reduce_func, "reduce", Dataset)
        state = to_arrays(initial_state)
        for number, element in enumerate(self._node.elements()):
            state = function((state, element), number)
        return to_tensors(state, Dataset)

    def reduce_while(self, initial: Any, function: Callable, goes_on: Callable) -> Any:
        """`reduce` inside of a traced function, as long as `goes_on(state)` holds."""
        return reduce_in_graph(self._node, initial, function, goes_on)

    def apply(self, transformation_func: Callable) -> Dataset:
        """`transformation_func(self)`, which gives a dataset."""
        made = transformation_func(self)
        _node_of(made, "apply")
        return made

    # -- batches ---------------------------------------------------------------------------

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements stacked by `batch_size`; the last batch may be shorter.

        Rows of arrays in memory are gathered a whole batch at a time, also behind
        `shuffle`, `repeat`, `take`, `skip` and a `map` that is traced.

        Raises (while iterating): ShapeError for elements of different shapes.
        """
        size = _positive(batch_size, "batch", "batch_size")
        return Dataset(node.Batch(self._node, size, bool(drop_remainder)))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The rows of the elements, one by one."""
        return Dataset(grouping.Unbatch(self._node))

    def rebatch(
        self, batch_size: int, drop_remainder: bool = False, name: str | None = None
    ) -> Dataset:
        """Batches put together and cut by `batch_size`."""
        size = _positive(batch_size, "rebatch", "batch_size")
        return Dataset(grouping.Rebatch(self._node, size, bool(drop_remainder)))

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Elements padded at their ends to one shape, and stacked.

        padded_shapes: None in it, or in place of it, pads to the longest of each batch.
        padding_values: what to pad with; 0 (or empty text) if it is not given.

        Example:
            >>> import weft
            >>> from weft.data import Dataset
            >>> rows = Dataset.range(1, 4).map(lambda n: weft.ops.ones(int(n), "int32") * n)
            >>> [batch.numpy().tolist() for batch in rows.padded_batch(2)]
            [[[1, 0], [2, 2]], [[3, 3, 3]]]
        """
        size = _positive(batch_size, "padded_batch", "batch_size")
        shapes, values = grouping.padding_for(
            self.element_spec, padded_shapes, padding_values, "padded_batch"
        )
        made = grouping.PaddedBatch(self._node, size, shapes, values, bool(drop_remainder))
        return Dataset(made)

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Datasets of `size` neighbouring elements, each `shift` after the one before.

        Example:
            >>> from weft.data import Dataset
            >>> windows = Dataset.range(5).window(3, shift=1, drop_remainder=True)
            >>> [batch.numpy().tolist() for batch in windows.flat_map(lambda w: w.batch(3))]
            [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        """
        size = _positive(size, "window", "size")
        shift = _positive(size if shift is None else shift, "window", "shift")
        stride = _positive(stride, "window", "stride")
        return Dataset(
            grouping.Window(self._node, size, shift, stride, bool(drop_remainder))
        )

    def group_by_window(
        self,
        key_func: Callable,
        reduce_func: Callable,
        window_size: int | None = None,
        window_size_func: Callable | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements of one key, so many at a time, through `reduce_func(key, dataset)`."""
        if (window_size is None) == (window_size_func is None):
            raise ArgumentError(
                "group_by_window: give either window_size or window_size_func; received "
                f"{window_size!r} and {window_size_func!r}"
            )
        key = UserFunction(key_func, "group_by_window", Dataset)
        reduce = UserFunction(reduce_func, "group_by_window", Dataset, makes_datasets=True)

        def size(key: int) -> int:
            wanted = window_size_func(np.int64(key)) if window_size_func else window_size
            return _positive(wanted, "group_by_window", "window_size")

        return Dataset(grouping.GroupByWindow(self._node, key, reduce, size))

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable,
        bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int],
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Padded batches of elements of about one length.

        bucket_boundaries: a bucket ends before each of these lengths.
        bucket_batch_sizes: the batch size of each bucket, one more than boundaries.
        """
        who = "bucket_by_sequence_length"
        bounds, sizes = list(bucket_boundaries), list(bucket_batch_sizes)
        if len(sizes) != len(bounds) + 1 or bounds != sorted(set(bounds)):
            raise ArgumentError(
                f"{who}: boundaries must increase, and there must be one batch size more; "
                f"received {bounds} and {sizes}"
            )
        spec = with_unknown_extents(self.element_spec)
        shapes, values = grouping.padding_for(spec, padded_shapes, padding_values, who)

        def pad(group: list, bucket: int) -> Any:
            if no_padding:
                return stack(group, who)
            bound = None
            if pad_to_bucket_boundary:
                if bucket == len(bounds):
                    raise ArgumentError(
                        f"{who}: with pad_to_bucket_boundary every element must be shorter "
                        f"than the last boundary, {bounds[-1]}; filter longer ones out"
                    )
                bound = bounds[bucket] - 1

            def leaf(shape: grouping.Shape, value: np.ndarray, *arrays: np.ndarray) -> Any:
                extents = tuple([bound if n is None else n for n in shape.extents])
                return grouping.pad_and_stack(arrays, extents, value, who)

            return map_leaves(leaf, shapes, values, *group)

        length = UserFunction(element_length_func, who, Dataset)
        made = grouping.Buckets(
            self._node, length, bounds, sizes, pad, bool(drop_remainder)
        )
        return Dataset(made)

    # -- order and number ------------------------------------------------------------------

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements in random order, drawn from a buffer of `buffer_size` of them.

        A buffer of at least the size of the data makes every order equally likely. The
        same seed gives the same orders, pass after pass; each pass has another order unless
        `reshuffle_each_iteration` is False.
        """
        size = _positive(buffer_size, "shuffle", "buffer_size")
        again = reshuffle_each_iteration is not False
        return Dataset(steps.Shuffle(self._node, size, _seed(seed), again))

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """The elements `count` times; without end for None or -1."""
        times = -1 if count is None else integer(count, "repeat", "count")
        return Dataset(steps.Repeat(self._node, times))

    def take(self, count: int, name: str | None = None) -> Dataset:
        """The first `count` elements; all for -1."""
        return Dataset(steps.Take(self._node, integer(count, "take", "count")))

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """All but the first `count` elements; none for -1."""
        return Dataset(steps.Skip(self._node, integer(count, "skip", "count")))

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Every `num_shards`th element, from number `index` on."""
        shards = _positive(num_shards, "shard", "num_shards")
        number = integer(index, "shard", "index")
        if not 0 <= number < shards:
            raise ArgumentError(
                f"shard: index must be from 0 to {shards - 1}; received {number}"
            )
        return Dataset(steps.Shard(self._node, shards, number))

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """(number, element), numbers as int64."""
        return Dataset(steps.Enumerate(self._node, integer(start, "enumerate", "start")))

    def unique(self, name: str | None = None) -> Dataset:
        """Each value once, where it comes first."""
        return Dataset(steps.Unique(self._node))

    def cache(self, filename: Any = "", name: str | None = None) -> Dataset:
        """Elements that are kept at the first whole pass, in memory or in a file."""
        if isinstance(filename, str) and not filename:
            return Dataset(steps.Cache(self._node))
        return Dataset(files.FileCache(self._node, filename))

    def prefetch(self, buffer_size: int, name: str | None = None) -> Dataset:
        """Up to `buffer_size` elements made ahead by a thread (AUTOTUNE: 4).

        The thread ends with the iteration: at its end, at a `break`, at an error.
        """
        count = integer(buffer_size, "prefetch", "buffer_size")
        if count < AUTOTUNE:
            raise ArgumentError(
                f"prefetch: buffer_size must be at least 0, or AUTOTUNE; received {count}"
            )
        return self if count == 0 else Dataset(steps.Prefetch(self._node, count))

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Dataset:
        """Leave out the elements at which a directly preceding `map` raises an error."""
        if not isinstance(self._node, steps.Map):
            raise ArgumentError(
                "ignore_errors: it must follow a map, whose errors it leaves out; received "
                f"a dataset that ends with {self._node.name}"
            )
        return Dataset(steps.IgnoreErrors(self._node, log_warning))

    # -- looking at it ---------------------------------------------------------------------

    @property
    def element_spec(self) -> Any:
        """The structure of TensorSpecs of an element; None for extents that vary."""
        return self._node.spec

    def cardinality(self, name: str | None = None) -> Tensor:
        """The number of elements (int64), INFINITE_CARDINALITY or UNKNOWN_CARDINALITY."""
        return Tensor(np.array(self._node.cardinality(), np.int64))

    @property
    def batch_size(self) -> int | None:
        """The size of the batches that the last step makes; None if it makes none."""
        return self._node.size if isinstance(self._node, node.Batch) else None

    def __len__(self) -> int:
        known = self._node.cardinality()
        if known == INFINITE:
            raise TypeError("The dataset is infinite; `len` needs an end: use take(count)")
        if known == UNKNOWN:
            raise TypeError(
                "The dataset length is unknown; use cardinality(), or count the elements"
            )
        return known

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> DatasetIterator:
        return DatasetIterator(self, Dataset)

    def rest(self) -> Dataset:
        """All of it; see `DatasetIterator.rest`."""
        return self

    def first(self) -> Any:
        """The first element, or None if there is none."""
        with eager(), recording(()), node.peeking():
            return next(iter(self), None)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements with NumPy arrays in place of tensors."""
        for element in self:
            yield map_leaves(lambda x: x.numpy() if isinstance(x, Tensor) else x, element)

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element.

        Raises:
            ArgumentError: there is none, or more than one.
        """
        found = list(zip(self, (0, 1)))
        if len(found) != 1:
            received = "more" if found else "none"
            raise ArgumentError(
                "get_single_element: the dataset must have one element; received "
                f"{received}"
            )
        return found[0][0]

    def save(
        self,
        path: Any,
        compression: str | None = None,
        shard_func: Callable | None = None,
        checkpoint_args: Any = None,
    ) -> None:
        """Write all elements to the folder `path`; nothing in it is executable."""
        if self._node.cardinality() == INFINITE:
            raise ArgumentError("save: the dataset has no end; use take(count) first")
        with eager(), recording(()):
            files.write(self._node, path)

    def with_options(self, options: Options, name: str | None = None) -> Dataset:
        """The same dataset, with options that `options()` gives back."""
        made = Dataset(self._node)
        made._options = options
        return made

    def options(self) -> Options:
        """The options of this dataset."""
        return self._options

    def __repr__(self) -> str:
        return f"<weft.data.Dataset {self._node.name} element_spec={self.element_spec!r}>"


class TextLineDataset(Dataset):
    """The lines of text files, without their ends.

    Args:
        filenames: one name or several.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: int | None = None,
        num_parallel_reads: int | None = None,
        name: str | None = None,
    ) -> None:
        if compression_type:
            raise ArgumentError(
                f"TextLineDataset: compressed files are not read; received "
                f"compression_type={compression_type!r}; unpack them first"
            )
        super().__init__(sources.Lines(filenames))


def assert_cardinality(expected_cardinality: int) -> Callable[[Dataset], Dataset]:
    """A step for `apply` that promises the number of elements, and checks it."""
    return lambda dataset: Dataset(
        steps.AssertCardinality(dataset._node, int(expected_cardinality))
    )


# -- arguments -----------------------------------------------------------------------------


def _node_of(dataset: Any, who: str) -> node.Node:
    if isinstance(dataset, Dataset):
        return dataset._node
    if isinstance(dataset, Iterable) and not isinstance(dataset, str | bytes | dict):
        remedy = "make one with Dataset.from_tensor_slices"
    else:
        remedy = "give a Dataset"
    raise ArgumentTypeError(
        f"{who}: expected a Dataset; received {type(dataset).__name__}; {remedy}"
    )


def _positive(value: Any, who: str, what: str) -> int:
    number = integer(value, who, what)
    if number < 1:
        raise ArgumentError(f"{who}: {what} must be at least 1; received {number}")
    return number


def _calls(value: Any, who: str) -> int | None:
    if value is None or value == AUTOTUNE:
        return value
    return _positive(value, who, "num_parallel_calls")


def _seed(seed: Any) -> int:
    return make_default_seed() if seed is None else integer(seed, "Dataset", "seed")


def _signature(types: Any, shapes: Any) -> Any:
    """TensorSpecs of from_generator's older arguments."""
    if shapes is None:
        return map_leaves(lambda dtype: TensorSpec(None, dtype), types)
    if isinstance(types, tuple):
        return tuple(_signature(dtype, shape) for dtype, shape in zip(types, shapes))
    if isinstance(types, dict):
        return {key: _signature(dtype, shapes[key]) for key, dtype in types.items()}
    return TensorSpec(shapes, types)
