"""save_model, load_model, save_weights, load_weights: which file is read and written how."""

from __future__ import annotations

import os
import sys
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

from weft.errors import ArgumentError, MissingFileError, with_short_traceback
from weft.keras.saving.archive import (
    CONFIG,
    allowance_for,
    keeping_variables,
    read_model,
    read_weights,
    weights_inside,
    write_archive,
    write_folder,
)
from weft.keras.saving.state import load_state, save_state
from weft.keras.saving.stores import (
    ShardedReader,
    ShardedWriter,
    Writer,
    require_h5py,
)
from weft.keras.utils import older
from weft.writing import replacing_path

_OLDER = (".h5", ".hdf5")


@with_short_traceback
def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Save settings, weights and training state of a model in a `.keras` file.

    A name that ends in `.h5` is written in the older format of Keras 2.

    Args:
        model: a Keras model.
        filepath: the path, or an open binary file.
        overwrite: whether a file of that name may be replaced; False asks at a terminal,
            and raises elsewhere.
        zipped: False writes a folder in place of a file.
        kwargs: Keras 2's `include_optimizer` (for `.h5`) and `save_format`.

    Raises:
        ArgumentError: another ending, or the file is there and may not be replaced.

    Example:
        >>> import tempfile
        >>> import weft.keras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder + "/small.keras")
        ...     copy = keras.models.load_model(folder + "/small.keras")
        >>> bool((copy.layers[0].kernel == model.layers[0].kernel).numpy().all())
        True
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    kwargs.pop("save_format", None)
    if kwargs:
        raise ArgumentError(
            f"save_model: The following argument(s) are not supported: {list(kwargs)}"
        )
    if not model.built:
        warnings.warn(
            f"save_model: {model.name} is not built: it has no weights yet; call it on "
            "data first, or begin with keras.Input",
            stacklevel=2,
        )
    if hasattr(filepath, "write"):
        write_archive(model, filepath)
        return
    path = Path(os.fspath(filepath))
    if zipped is not False and path.suffix not in (".keras", *_OLDER):
        raise ArgumentError(
            "save_model: Invalid filepath extension for saving: the name must end in "
            f"`.keras` (or `.h5`, the older format); received filepath={str(filepath)!r}"
        )
    if zipped is False and path.suffix == ".keras":
        raise ArgumentError(
            "save_model: with `zipped=False` a folder is written, whose name must not end "
            f"in `.keras`; received filepath={str(filepath)!r}"
        )
    if not _may_write(path, overwrite, "save_model"):
        return
    if zipped is False:
        write_folder(model, path)
    elif path.suffix == ".keras":
        write_archive(model, path)
    else:
        from weft.keras.saving.older import write_model

        write_model(model, path, include_optimizer)


@with_short_traceback
def load_model(
    filepath: Any,
    custom_objects: dict | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model in a `.keras` file, in a folder, or in an `.h5` file of Keras 2.

    Nothing in the file is run. Classes and functions of one's own are found if they are
    registered or given.

    Args:
        filepath: the path, or an open binary file.
        custom_objects: classes and functions by name.
        compile: whether to compile it as it was.
        safe_mode: kept for compatibility; code in files is refused in any case.

    Raises:
        ArgumentError: the file is damaged, or names what is not known.
        FileNotFoundError: there is no such file.
    """
    who = "load_model"
    if hasattr(filepath, "read"):
        return read_model(filepath, custom_objects, compile, who)
    path = Path(os.fspath(filepath))
    if path.is_dir() and (path / CONFIG).is_file():
        return read_model(path, custom_objects, compile, who)
    if path.suffix in _OLDER:
        from weft.keras.saving.older import read_older_model

        return read_older_model(_existing(path, who), custom_objects, compile, who)
    if path.suffix == ".keras":
        if not zipfile.is_zipfile(_existing(path, who)):
            raise ArgumentError(f"{who}: {path} is damaged or no .keras file")
        return read_model(path, custom_objects, compile, who)
    raise ArgumentError(
        f"{who}: File format not supported: filepath={str(filepath)!r}. Files end in "
        "`.keras` or `.h5`; a folder of TensorFlow's SavedModel format cannot be read: "
        "load it in TensorFlow, and save it as `.keras`"
    )


@with_short_traceback
def save_weights(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    max_shard_size: float | None = None,
    **kwargs: Any,
) -> None:
    """Save the weights of a model, and its optimizer's, as a `.weights.h5` file.

    Args:
        model: a Keras model that is built.
        filepath: ends in `.weights.h5`; with `max_shard_size`, in `.weights.json`.
        overwrite: whether a file of that name may be replaced.
        max_shard_size: GiB of one of several files.
        kwargs: `objects_to_skip`, a list of layers to leave out.
    """
    who = "save_weights"
    skipped = kwargs.pop("objects_to_skip", None) or ()
    _refuse_more(kwargs, who)
    _require_built(model, who)
    path = Path(os.fspath(filepath))
    is_older = path.suffix in _OLDER and not path.name.endswith(".weights.h5")
    if is_older and max_shard_size is None:
        from weft.keras.saving.older import write_weights

        older.tell("save_weights('….h5')", "end the name in `.weights.h5`")
        if _may_write(path, overwrite, who):
            write_weights(model, path)
        return
    if max_shard_size is None and not path.name.endswith(".weights.h5"):
        raise ArgumentError(
            "save_weights: The filename must end in `.weights.h5`; received "
            f"filepath={str(filepath)!r}"
        )
    if max_shard_size is not None and not path.name.endswith(
        (".weights.json", ".weights.h5")
    ):
        raise ArgumentError(
            "save_weights: with `max_shard_size` the filename must end in `.weights.json`; "
            f"received filepath={str(filepath)!r}"
        )
    if not _may_write(path, overwrite, who):
        return
    if max_shard_size is not None:
        writer = ShardedWriter(path.with_suffix(".json"), max_shard_size)
        save_state(model, keeping_variables(writer.save), skipped)
        writer.close()
        return
    with replacing_path(path) as part, require_h5py().File(part, "w") as file:
        save_state(model, keeping_variables(Writer(file).save), skipped)


@with_short_traceback
def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any
) -> None:
    """Take weights from a `.weights.h5`, `.weights.json`, `.keras` or older `.h5` file.

    Args:
        model: a Keras model that is built, of the same layers as the saved one.
        filepath: the path.
        skip_mismatch: whether layers that do not fit keep their weights, with a warning.
        kwargs: `objects_to_skip`, a list of layers; `by_name` for older `.h5` files.

    Raises:
        ArgumentError: naming the layers whose weights are missing or do not fit.
    """
    who = "load_weights"
    skipped = kwargs.pop("objects_to_skip", None) or ()
    by_name = kwargs.pop("by_name", None)
    _refuse_more(kwargs, who)
    _require_built(model, who)
    path = _existing(Path(os.fspath(filepath)), who)
    is_older = path.suffix in _OLDER and not path.name.endswith(".weights.h5")
    if by_name is not None and not is_older:
        raise ArgumentError(
            f"{who}: `by_name` goes with older `.h5` files; received {str(filepath)!r}"
        )
    if path.suffix == ".keras":
        with weights_inside(path, who) as inner:
            extra = read_weights(model, inner, who, skip_mismatch, skipped)
    elif path.name.endswith(".weights.h5"):
        extra = read_weights(model, path, who, skip_mismatch, skipped)
    elif path.suffix == ".json":
        extra = _read_shards(model, path, who, skip_mismatch, skipped)
    elif is_older:
        from weft.keras.saving.older import read_older_weights

        read_older_weights(model, path, who, skip_mismatch, bool(by_name))
        extra = []
    else:
        raise ArgumentError(
            f"{who}: File format not supported: {str(filepath)!r}; files of weights end in "
            "`.weights.h5`, `.weights.json`, `.keras` or `.h5`"
        )
    _tell_extra([name for name in extra if name not in ("optimizer/vars", "vars")], path)


def _read_shards(
    model: Any, path: Path, who: str, skip_mismatch: bool, skipped: Any
) -> list[str]:
    reader = ShardedReader(path, allowance_for(model, path), who)
    try:
        load_state(model, keeping_variables(reader.load), who, skip_mismatch, skipped)
    finally:
        reader.close()
    return reader.unread()


def _tell_extra(extra: list[str], path: Path) -> None:
    if extra:
        names = ", ".join(name.removesuffix("/vars") for name in extra[:5])
        more = f" and {len(extra) - 5} more" if len(extra) > 5 else ""
        warnings.warn(
            f"load_weights: {path.name} has weights that this model has no place for: "
            f"{names}{more}",
            stacklevel=3,
        )


def _existing(path: Path, who: str) -> Path:
    if not path.exists():
        raise MissingFileError(f"{who}: File not found: filepath={path}")
    return path


def _require_built(model: Any, who: str) -> None:
    if not model.built:
        raise ArgumentError(
            f"{who}: {model.name} is not built: it has no weights yet; call it on data "
            "first, or use `build()`, or begin with keras.Input"
        )


def _refuse_more(kwargs: dict, who: str) -> None:
    if kwargs:
        raise ArgumentError(f"{who}: Invalid keyword arguments: {kwargs}")


def _may_write(path: Path, overwrite: bool, who: str) -> bool:
    if overwrite or not path.exists():
        return True
    stdin: IO[str] | None = sys.stdin
    if stdin is None or not stdin.isatty():
        raise ArgumentError(
            f"{who}: {path} exists, and overwrite=False; choose another name, or give "
            "overwrite=True"
        )
    answer = input(f"{path} exists. Replace it? [y/n] ")
    return answer.strip().lower().startswith("y")
