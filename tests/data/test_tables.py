"""CSV files, and the names under `experimental`."""

from __future__ import annotations

import numpy as np
import pytest

from weft.data import Dataset
from weft.data.experimental import (
    CsvDataset,
    Optional,
    get_next_as_optional,
    make_csv_dataset,
    map_and_batch,
    parallel_interleave,
    shuffle_and_repeat,
    take_while,
)

A = 'x,y,name,big\n1,2.5,"a, b",5000000000\n2,,c,1\n3,4,"say ""hi""",2\n'
B = "x,y,name,big\n4,1e3,zz,3\n"


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(A)
    (tmp_path / "b.csv").write_text(B)


def rows(*args, **options):
    return [
        tuple([value.tolist() for value in row])
        for row in CsvDataset(*args, header=True, **options)
    ]


def test_rows():
    dataset = CsvDataset("a.csv", ["int32", 0.5, "string", "int64"], header=True)
    assert [spec.dtype for spec in dataset.element_spec] == [
        "int32", "float32", "string", "int64",
    ]  # fmt: skip
    assert rows("a.csv", ["int32", 0.5, "string", "int64"]) == [
        (1, 2.5, b"a, b", 5000000000), (2, 0.5, b"c", 1), (3, 4.0, b'say "hi"', 2),
    ]  # fmt: skip
    found = rows(["a.csv", "b.csv"], [np.array([7.0], "float32")], select_cols=[1])
    assert found == [(2.5,), (7.0,), (4.0,), (1000.0,)]
    found = rows("b.csv", ["int64", "string"], exclude_cols=[1, 3])
    assert found == [(4, b"zz")]
    assert rows(
        "b.csv", ["int32", "float32", ""], select_cols=[0, 1, 2], na_value="zz"
    ) == [(4, 1000.0, b"")]


BAD_ROWS = {
    "gap": (["int32", "float32", "string", "int64"], r"a\.csv, row 3, a field is empty"),
    "text": (["int32", 0.5, "int32", "int64"], "a number of dtype int32; received 'a, b'"),
    "large": (["int32", 0.5, "string", "int32"], "received '5000000000'"),
    "few": (["int32"], "row 2: there must be 1 fields; received 4"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_rows_that_do_not_fit(name):
    defaults, message = BAD_ROWS[name]
    with pytest.raises(ValueError, match=message):
        rows("a.csv", defaults)


def batches(pattern="a.csv", **options):
    options = {"num_epochs": 1, "shuffle": False, **options}
    found = make_csv_dataset(pattern, 2, **options).take(3)
    return [
        ({name: c.tolist() for name, c in x.items()}, y.tolist())
        for x, y in (one if isinstance(one, tuple) else (one, np.array(0)) for one in found)
    ]


def test_batches_of_columns():
    assert batches(label_name="x") == [
        ({"y": [2.5, 0.0], "name": [b"a, b", b"c"], "big": [5000000000, 1]}, [1, 2]),
        ({"y": [4.0], "name": [b'say "hi"'], "big": [2]}, [3]),
    ]
    assert batches("*.csv", label_name="x", select_columns=["x", 3]) == [
        ({"big": [5000000000, 1]}, [1, 2]), ({"big": [2, 3]}, [3, 4]),
    ]  # fmt: skip
    assert batches(select_columns=["x"], num_epochs=None) == [
        ({"x": [1, 2]}, 0), ({"x": [3, 1]}, 0), ({"x": [2, 3]}, 0),
    ]  # fmt: skip
    assert batches(select_columns=["x", "y"], column_defaults=["float32", -1.0]) == [
        ({"x": [1.0, 2.0], "y": [2.5, -1.0]}, 0), ({"x": [3.0], "y": [4.0]}, 0),
    ]  # fmt: skip
    found = batches("b.csv", header=False, column_names=list("abcd"))
    assert found[0][0]["a"] == [b"x", b"4"]
    shuffled = batches(shuffle=True, shuffle_seed=3, select_columns=["x"])
    assert sorted(n for x, _ in shuffled for n in x["x"]) == [1, 2, 3]
    kept = batches(column_defaults=["int32", "float32"], select_columns=["x", "y"],
                   ignore_errors=True)  # fmt: skip
    assert kept == [({"x": [1, 3], "y": [2.5, 4.0]}, 0)]


BAD_ARGUMENTS = {
    "no file": ({"pattern": "qq*"}, "no file is named"),
    "label": ({"label_name": "nam"}, "no column 'nam'.* Did you mean 'name'"),
    "column": ({"select_columns": ["q"]}, "no column 'q'; the columns are"),
    "defaults": ({"column_defaults": ["int32"]}, "one entry per column, 4; received 1"),
    "names": ({"header": False}, "give column_names"),
    "compressed": ({"compression_type": "GZIP"}, "unpack them first"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_what_does_not_fit(name):
    options, message = BAD_ARGUMENTS[name]
    with pytest.raises(ValueError, match=message):
        batches(**options)


STEPS = {
    "take_while": (take_while(lambda x: x < 2), [0, 1]),
    "map_and_batch": (map_and_batch(lambda x: x * 2, 2), [[0, 2], [4]]),
    "shuffle_and_repeat": (shuffle_and_repeat(1, 2), [0, 1, 2, 0, 1, 2]),
    "parallel_interleave": (
        parallel_interleave(lambda x: Dataset.from_tensors(x).repeat(2), cycle_length=2),
        [0, 1, 0, 1, 2, 2],
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_for_apply(name):
    step, wanted = STEPS[name]
    assert [one.tolist() for one in Dataset.range(3).apply(step)] == wanted


def test_optional_elements():
    iterator = iter(Dataset.range(1))
    first, second = get_next_as_optional(iterator), iterator.get_next_as_optional()
    assert (bool(first.has_value()), int(first.get_value())) == (True, 0)
    assert first.element_spec == Dataset.range(1).element_spec
    assert not bool(second.has_value())
    with pytest.raises(ValueError, match="it has no value"):
        second.get_value()
    assert float(Optional.from_value((1.5, 2)).get_value()[0]) == 1.5
