"""What the two tables of house prices share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weft.keras.datasets._arrays import bad_file, read_any_arrays


def read_table(path: Path, columns: int, who: str) -> tuple[np.ndarray, np.ndarray]:
    """The features (rows, columns) and the prices (rows,) of a file.

    Raises:
        BadDatasetFile: the file holds something else.
    """
    arrays = read_any_arrays(path, ("x", "y"), who)
    x, y = arrays["x"], arrays["y"]
    is_table = x.ndim == 2 and x.shape[1] == columns and y.shape == x.shape[:1]
    if not is_table or x.dtype.kind != "f" or y.dtype.kind not in "fiu":
        raise bad_file(
            path,
            who,
            f"x {x.shape} {x.dtype} and y {y.shape} {y.dtype} in place of (rows, {columns}) "
            "and (rows,) of floats",
        )
    return x, y
