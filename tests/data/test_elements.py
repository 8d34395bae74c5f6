"""Elements: structures, text, padding, specs, files; and functions on them."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import weft
from tests.data.test_order import values
from weft.data import Dataset

Pair = collections.namedtuple("Pair", "left right")


def test_structures_keep_their_form_and_the_order_of_keys():
    data = {"z": [1, 2], "a": (np.ones((2, 3), "float32"), Pair([0.5, 1.5], ["x", "y"]))}
    dataset = Dataset.from_tensor_slices(data)
    element = next(iter(dataset))
    assert list(element) == ["z", "a"]
    assert isinstance(element["a"][1], Pair)
    assert element["a"][0].shape == (3,)
    batch = next(iter(dataset.batch(2)))
    assert batch["a"][1].left.numpy().tolist() == [0.5, 1.5]
    spec = dataset.batch(2).element_spec
    assert spec["a"][0] == weft.TensorSpec((None, 3), "float32")
    assert spec["a"][1].right.dtype == "string"


def test_map_spreads_tuples_and_passes_dicts_whole():
    pairs = Dataset.from_tensor_slices(([1, 2], [10, 20]))
    assert values(pairs.map(lambda x, y: {"sum": x + y, "x": x})) == [
        {"sum": 11, "x": 1}, {"sum": 22, "x": 2}]  # fmt: skip
    named = pairs.map(lambda x, y: {"x": x, "y": y})
    assert values(named.map(lambda element: element["y"] - element["x"])) == [9, 18]


def test_none_stays_where_it_is():
    dataset = Dataset.from_tensor_slices(([1, 2, 3], None)).batch(2)
    assert [element[1] for element in dataset] == [None, None]


def test_specs_of_functions_are_inferred_without_running_them():
    rows = Dataset.from_tensor_slices(np.zeros((5, 4), "uint8"))
    scaled = rows.map(lambda row: weft.ops.cast(row, "float32") / 255)
    assert scaled.element_spec == weft.TensorSpec((4,), "float32")
    summed = rows.batch(2).map(lambda rows: weft.ops.sum(rows, axis=1))
    assert summed.element_spec.shape == (None,)
    whole = rows.batch(2, drop_remainder=True).map(lambda rows: weft.ops.sum(rows, axis=1))
    assert whole.element_spec.shape == (2,)


@pytest.mark.filterwarnings("ignore:.*changes a Python object")
def test_functions_are_traced_once_and_not_for_every_element():
    calls = []

    def double(x):
        calls.append(1)
        return x * 2

    dataset = Dataset.range(100).map(double)
    assert values(dataset) == list(range(0, 200, 2))
    values(dataset)
    assert len(calls) == 1


def test_functions_that_need_values_run_as_python():
    dataset = Dataset.from_tensor_slices([3, 1, 2]).map(lambda n: np.arange(int(n)))
    assert values(dataset) == [[0, 1, 2], [0], [0, 1]]
    words = Dataset.from_tensor_slices(["a b", "c"])
    loud = words.map(lambda text: text.numpy().decode().upper())
    assert [word.numpy() for word in loud] == [b"A B", b"C"]


def test_a_function_with_variables_runs_in_order():
    count = weft.Variable(0)

    def numbered(x):
        count.assign_add(1)
        return x * 0 + count

    assert values(Dataset.range(5).map(numbered, num_parallel_calls=3).batch(5)) == [
        [1, 2, 3, 4, 5]]  # fmt: skip


def test_random_functions_repeat_after_a_seed_also_in_a_thread():
    def draw():
        weft.random.set_seed(3)
        dataset = Dataset.range(6).map(lambda x: weft.random.uniform(())).prefetch(2)
        return values(dataset)

    first = draw()
    assert first == draw()
    assert len(set(first)) == 6


def test_padding():
    rows = Dataset.range(1, 4).map(lambda n: np.full(int(n), 1, "int32"))
    assert values(rows.padded_batch(2)) == [[[1, 0], [1, 1]], [[1, 1, 1]]]
    both = rows.enumerate().padded_batch(3, ([], [4]), (np.int64(0), -1))
    assert values(both) == [([0, 1, 2], [[1, -1, -1, -1], [1, 1, -1, -1], [1, 1, 1, -1]])]
    with pytest.raises(weft.errors.ShapeError, match=r"padded shape \(2,\).*\(3,\)"):
        values(rows.padded_batch(3, [2]))


def test_buckets():
    data = [[0], [1, 2, 3, 4], [5, 6, 7], [7, 8, 9, 10, 11], [13, 14], [19, 20]]
    dataset = Dataset.from_generator(
        lambda: iter(data), output_signature=weft.TensorSpec((None,), "int32")
    )
    batches = dataset.bucket_by_sequence_length(lambda row: row.shape[0], [3, 5], [2, 2, 2])
    assert values(batches) == [
        [[1, 2, 3, 4], [5, 6, 7, 0]], [[0, 0], [13, 14]], [[19, 20]], [[7, 8, 9, 10, 11]],
    ]  # fmt: skip


def test_generators_are_checked():
    spec = weft.TensorSpec((), "int32")

    def bad():
        yield 1
        yield [2, 3]

    dataset = Dataset.from_generator(bad, output_signature=spec)
    with pytest.raises(TypeError, match=r"shape \(\).*received \(2,\) for element 1"):
        values(dataset)
    with pytest.raises(TypeError, match="callable"):
        Dataset.from_generator([1, 2], output_signature=spec)
    old = Dataset.from_generator(lambda: [(1, [2.0])], ("int32", "float32"), ((), (None,)))
    assert values(old) == [(1, [2.0])]


def test_a_generator_may_fill_one_array_again_and_again():
    def fill():
        array = np.zeros(1)
        for number in range(3):
            array[:] = number
            yield array

    assert values(Dataset.from_generator(fill).batch(3)) == [[[0.0], [1.0], [2.0]]]


def test_data_is_a_copy():
    array = np.zeros(3, "float32")
    dataset = Dataset.from_tensor_slices(array)
    array[:] = 7
    assert values(dataset) == [0.0, 0.0, 0.0]


def test_errors_say_what_does_not_fit():
    with pytest.raises(ValueError, match=r"same number of rows.*\(3,\).*\(2,\)"):
        Dataset.from_tensor_slices(([1, 2, 3], [1, 2]))
    with pytest.raises(ValueError, match="no slices"):
        Dataset.from_tensor_slices(5)
    ragged = Dataset.range(1, 4).map(lambda n: np.arange(int(n)))
    with pytest.raises(ValueError, match=r"one shape.*\(1,\).*\(2,\).*padded_batch"):
        values(ragged.batch(3))
    for wrong in (0, -2):
        with pytest.raises(ValueError, match="batch_size must be at least 1"):
            Dataset.range(3).batch(wrong)
        with pytest.raises(ValueError, match="buffer_size must be at least 1"):
            Dataset.range(3).shuffle(wrong)
    with pytest.raises(TypeError, match="zip: expected a Dataset; received list"):
        Dataset.zip(([1], Dataset.range(3)), name=None).zip({"a": [1]})


def test_single_elements_and_reduce():
    assert Dataset.range(5).reduce(0, lambda total, x: total + x) == 10
    pairs = Dataset.range(5).reduce((0, 1), lambda s, x: (s[0] + x, s[1] * 2))
    assert (int(pairs[0]), int(pairs[1])) == (10, 32)
    assert int(Dataset.from_tensors(3).get_single_element()) == 3
    for count in (0, 2):
        with pytest.raises(ValueError, match="one element"):
            Dataset.range(count).get_single_element()


def test_reduce_inside_of_a_traced_function():
    data = np.arange(10, dtype="float32")
    dataset = Dataset.from_tensor_slices(data).batch(3)
    weight = weft.Variable(2.0)

    @weft.function
    def total(start):
        with weft.GradientTape() as tape:
            found = dataset.reduce(start, lambda s, batch: s + weight * weft.ops.sum(batch))
        return found, tape.gradient(found, weight)

    for start in (0.0, 100.0):
        found, gradient = total(weft.convert_to_tensor(start))
        assert (float(found), float(gradient)) == (start + 90.0, 45.0)


def test_loops_over_datasets_in_traced_functions():
    dataset = Dataset.range(6)

    @weft.function
    def even_sum(dataset):
        total = np.int64(0)
        for x in dataset:
            if x % 2 == 0:
                total += x
        return total

    assert int(even_sum(dataset)) == 6


@pytest.mark.parametrize("count", [0, 5, 1300])
def test_saved_datasets_come_back(tmp_path, count):
    def make(n):
        size = int(n) % 3
        return {"n": n, "row": np.full(size, 0.5, "float32"), "t": f"é{int(n)}"}, None

    dataset = Dataset.range(count).map(make)
    dataset.save(tmp_path / "saved")
    back = Dataset.load(tmp_path / "saved")
    assert values(back) == values(dataset)
    assert len(back) == count
    half = Dataset.from_tensor_slices(weft.ops.cast([1.0, 2.5], "bfloat16"))
    half.save(tmp_path / "saved")
    assert next(iter(Dataset.load(tmp_path / "saved"))).dtype == "bfloat16"


def test_bad_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="load: expected a folder"):
        Dataset.load(tmp_path / "nothing")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ValueError, match="no saved dataset"):
        Dataset.range(3).save(tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").exists()
    with pytest.raises(ValueError, match="no end"):
        Dataset.range(3).repeat().save(tmp_path / "endless")


def test_caches_run_their_source_once(tmp_path):
    for where in ("", str(tmp_path / "cached")):
        calls = []

        def read(n, calls=calls):
            calls.append(int(n.numpy()))
            return n

        dataset = Dataset.range(4).map(read).cache(where)
        next(iter(dataset))  # A pass that is left keeps nothing.
        calls.clear()
        assert values(dataset) == values(dataset) == [0, 1, 2, 3]
        assert calls == [0, 1, 2, 3]


def test_files_and_lines(tmp_path):
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(f"{name}\nsecond\n")
    names = Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False)
    lines = weft.data.TextLineDataset(names.as_numpy_iterator().__next__())
    assert len(names) == 2
    assert [line.numpy() for line in lines] == [b"a.txt", b"second"]
    assert len(list(names.flat_map(weft.data.TextLineDataset))) == 4
    with pytest.raises(ValueError, match="no file has a name like"):
        Dataset.list_files(str(tmp_path / "*.png"))


def test_mapped_files_are_read_when_needed(tmp_path):
    stored = np.memmap(tmp_path / "big", "float32", "w+", shape=(6, 2))
    dataset = Dataset.from_tensor_slices(stored)
    stored[:] = 3
    assert values(dataset.batch(6))[0][5] == [3.0, 3.0]


def test_numpy_iterators_give_arrays_of_their_own():
    dataset = Dataset.from_tensor_slices(np.zeros((2, 2)))
    for batch in dataset.batch(2).as_numpy_iterator():
        batch[:] = 1
    assert values(dataset) == [[0.0, 0.0], [0.0, 0.0]]


scale = 0


def test_names_mean_what_they_meant_when_a_function_was_given():
    global scale
    dataset = Dataset.from_tensor_slices([1])
    for k in range(3):
        dataset = dataset.map(lambda x: x * 10 + k)
    assert values(dataset) == [1012]

    scale = 2
    scaled = Dataset.range(3).map(lambda x: x * scale)
    python = Dataset.range(3).map(lambda x: weft.ops.array(int(x.numpy()) * scale))
    scale = 5
    assert values(scaled) == values(python) == [0, 2, 4]

    count = 0

    def counted(x):
        nonlocal count
        value = int(x.numpy())
        count += 1
        return value + count

    counting = Dataset.range(3).map(counted)
    count = 10
    assert values(counting) == [11, 13, 15]
    assert count == 13


def test_specs_of_flat_maps_over_unknown_extents():
    again = Dataset.range(5).batch(1).flat_map(lambda x: Dataset.from_tensors(x).repeat(2))
    assert again.element_spec.shape == (None,)
    windows = Dataset.range(1).window(2, drop_remainder=True).flat_map(lambda w: w.batch(2))
    assert windows.element_spec.shape == (None,)
    assert values(windows) == []
