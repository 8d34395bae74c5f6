"""Order: what comes when, also where batches are gathered by row; seeds; statistics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import weft
from weft.data import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset


def values(dataset):
    """The elements as nested lists."""
    return [_plain(element) for element in dataset]


def _plain(element):
    if element is None:
        return None
    if isinstance(element, dict):
        return {key: _plain(part) for key, part in element.items()}
    if isinstance(element, tuple):
        return tuple(map(_plain, element))
    return (
        values(element)
        if isinstance(element, Dataset)
        else np.asarray(element.numpy()).tolist()
    )


def numbers(*bounds):
    return Dataset.range(*bounds)


# Made once with tf.data: pipeline, elements, cardinality.
PIPELINES = {
    "batch": (lambda: numbers(7).batch(3), [[0, 1, 2], [3, 4, 5], [6]], 3),
    "batch, whole ones": (
        lambda: numbers(7).batch(3, drop_remainder=True), [[0, 1, 2], [3, 4, 5]], 2),
    "unbatch": (lambda: numbers(4).batch(3).unbatch(), [0, 1, 2, 3], UNKNOWN_CARDINALITY),
    "rebatch": (
        lambda: numbers(7).batch(3).rebatch(2), [[0, 1], [2, 3], [4, 5], [6]],
        UNKNOWN_CARDINALITY),
    "repeat": (lambda: numbers(3).repeat(2).batch(4), [[0, 1, 2, 0], [1, 2]], 2),
    "endless": (lambda: numbers(3).repeat().take(4), [0, 1, 2, 0], 4),
    "skip": (lambda: numbers(5).skip(2), [2, 3, 4], 3),
    "skip all": (lambda: numbers(5).skip(-1), [], 0),
    "take all": (lambda: numbers(2).take(-1), [0, 1], 2),
    "shard": (lambda: numbers(10).shard(3, 1), [1, 4, 7], 3),
    "filter": (lambda: numbers(6).filter(lambda x: x % 2 == 0), [0, 2, 4],
        UNKNOWN_CARDINALITY),
    "take_while": (lambda: numbers(6).take_while(lambda x: x < 2), [0, 1],
        UNKNOWN_CARDINALITY),
    "concatenate": (lambda: numbers(2).concatenate(numbers(5, 7)), [0, 1, 5, 6], 4),
    "enumerate": (lambda: numbers(5, 7).enumerate(3), [(3, 5), (4, 6)], 2),
    "zip": (
        lambda: Dataset.zip((numbers(3), numbers(5).batch(2))),
        [(0, [0, 1]), (1, [2, 3]), (2, [4])], 3),
    "zip of a dict": (lambda: Dataset.zip({"b": numbers(1), "a": numbers(4)}),
        [{"b": 0, "a": 0}], 1),
    "flat_map": (
        lambda: numbers(1, 3).flat_map(lambda x: Dataset.from_tensors(x).repeat(2)),
        [1, 1, 2, 2], UNKNOWN_CARDINALITY),
    "interleave": (
        lambda: numbers(4).interleave(
            lambda x: Dataset.range(x * 10, x * 10 + x + 1), cycle_length=2, block_length=2),
        [0, 10, 11, 20, 21, 22, 30, 31, 32, 33], UNKNOWN_CARDINALITY),
    "window": (lambda: numbers(5).window(3, shift=2), [[0, 1, 2], [2, 3, 4], [4]], 3),
    "window with stride": (
        lambda: numbers(8).window(2, shift=3, stride=2, drop_remainder=True),
        [[0, 2], [3, 5]], 2),
    "window of tuples": (
        lambda: Dataset.zip((numbers(3), numbers(3))).window(2),
        [([0, 1], [0, 1]), ([2], [2])], 2),
    "group_by_window": (
        lambda: numbers(10).group_by_window(
            lambda x: x % 3, lambda key, group: group.batch(2), window_size=2),
        [[0, 3], [1, 4], [2, 5], [6, 9], [7], [8]], UNKNOWN_CARDINALITY),
    "scan": (lambda: numbers(5).scan(0, lambda s, x: (s + x, s * x)), [0, 0, 2, 9, 24], 5),
    "unique": (lambda: Dataset.from_tensor_slices([1, 37, 2, 37, 1]).unique(), [1, 37, 2],
        UNKNOWN_CARDINALITY),
    "choose": (
        lambda: Dataset.choose_from_datasets(
            [numbers(3), numbers(10, 12), numbers(20, 23)], numbers(3).repeat(3)),
        [0, 10, 20, 1, 11, 21, 2], UNKNOWN_CARDINALITY),
    "counter": (lambda: Dataset.counter(3, 2).take(3), [3, 5, 7], 3),
    "map to a list": (lambda: numbers(2).map(lambda x: [x, x + 1]), [(0, 1), (1, 2)], 2),
    "map with a branch": (
        lambda: numbers(4).map(lambda x: x if x % 2 == 0 else -x), [0, -1, 2, -3], 4),
}  # fmt: skip


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_give_what_tf_data_gives(name):
    make, expected, cardinality = PIPELINES[name]
    dataset = make()
    known = int(dataset.cardinality())
    assert values(dataset) == expected
    assert values(dataset) == expected, "a second pass differs"
    assert known == cardinality
    if known >= 0:
        assert len(dataset) == len(expected)


def test_cardinality_of_endless_and_unknown_data():
    assert int(numbers(3).repeat().cardinality()) == INFINITE_CARDINALITY
    assert (
        int(numbers(3).repeat().filter(lambda x: x > 0).cardinality())
        == INFINITE_CARDINALITY
    )
    with pytest.raises(TypeError, match="infinite"):
        len(numbers(3).repeat())
    with pytest.raises(TypeError, match="unknown"):
        len(numbers(3).filter(lambda x: x > 0))
    assert bool(numbers(0))


def test_parallel_maps_keep_the_order():
    dataset = numbers(200).map(lambda x: x * 3, num_parallel_calls=4)
    assert values(dataset) == list(range(0, 600, 3))
    python = numbers(50).map(lambda x: int(x) * 3, num_parallel_calls=4)
    assert values(python) == list(range(0, 150, 3))
    free = numbers(50).map(lambda x: int(x), num_parallel_calls=4, deterministic=False)
    assert sorted(values(free)) == list(range(50))


def test_interleave_in_threads_keeps_the_order():
    def make(calls):
        return numbers(5).interleave(
            lambda x: Dataset.range(x, x + 4), cycle_length=3, num_parallel_calls=calls
        )

    assert values(make(None)) == values(make(2))


# -- shuffling -----------------------------------------------------------------------------


def by_element(dataset):
    """The same dataset, so that batches cannot be gathered by row."""
    return dataset.filter(lambda x: x >= 0)


@pytest.mark.parametrize("buffer", [1, 2, 7, 100, 1023, 1024, 1025, 3000, 10000])
@pytest.mark.parametrize("count", [0, 1, 5, 1024, 2600])
def test_gathered_batches_come_in_the_order_of_single_elements(count, buffer):
    def batches(source):
        return [
            b.numpy().tolist() for b in source.shuffle(buffer, seed=3).repeat(2).batch(37)
        ]

    gathered, single = batches(numbers(count)), batches(by_element(numbers(count)))
    assert gathered == single
    assert sorted(itertools.chain(*gathered)) == sorted([*range(count), *range(count)])


def test_steps_on_rows_equal_steps_on_elements():
    def steps(source):
        made = (
            source.skip(3).shuffle(5, seed=1).take(20).repeat(3).skip(1).shuffle(40, seed=2)
        )
        return values(made.map(lambda x: x * 2 + 1).batch(6))

    assert steps(numbers(30)) == steps(by_element(numbers(30)))


def test_the_same_seed_gives_the_same_orders_pass_after_pass():
    one, other = (numbers(20).shuffle(20, seed=5) for _ in range(2))
    first, second = values(one), values(one)
    assert first != second
    assert [values(other), values(other)] == [first, second]
    fixed = numbers(20).shuffle(20, seed=5, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)


def test_the_global_seed_makes_shuffles_repeatable():
    def orders():
        weft.random.set_seed(11)
        return values(numbers(30).shuffle(30)), values(numbers(30).shuffle(10))

    assert orders() == orders()


def test_looking_at_the_spec_changes_no_order():
    def make():
        return numbers(20).shuffle(20, seed=5).map(lambda x: np.int64(int(x)))

    looked = make()
    assert looked.element_spec.shape == ()
    assert values(looked) == values(make())


def test_every_order_is_equally_likely_with_a_large_buffer():
    dataset = numbers(4).shuffle(4, seed=0).repeat(4800).batch(4)
    counts = {}
    for order in dataset:
        key = tuple(order.numpy().tolist())
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 24
    chi_squared = sum((count - 200) ** 2 / 200 for count in counts.values())
    assert chi_squared < 55  # 23 degrees of freedom: one in ten thousand is above.


def test_a_small_buffer_reaches_only_so_far():
    order = values(numbers(1000).shuffle(10, seed=1))
    assert all(value <= place + 9 for place, value in enumerate(order))
    assert sorted(order) == list(range(1000))
    assert order != sorted(order)


def test_samples_follow_the_weights():
    ones, twos = (Dataset.from_tensors(n).repeat() for n in (1, 2))
    mixed = Dataset.sample_from_datasets([ones, twos], [0.2, 0.8], seed=4).take(4000)
    share = np.mean([int(x) == 2 for x in mixed])
    assert abs(share - 0.8) < 0.03
    ended = Dataset.sample_from_datasets([numbers(3), numbers(10, 13)], seed=1)
    assert sorted(values(ended)) == [0, 1, 2, 10, 11, 12]
    stopped = Dataset.sample_from_datasets(
        [numbers(0), numbers(9)], [0.5, 0.5], seed=1, stop_on_empty_dataset=True
    )
    assert len(values(stopped)) < 9


def test_a_cache_keeps_the_first_order():
    dataset = numbers(20).shuffle(20, seed=5).cache()
    assert values(dataset) == values(dataset)
