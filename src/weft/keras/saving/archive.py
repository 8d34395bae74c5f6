"""The `.keras` file: an archive of settings, variables and further files.

    metadata.json       version, date
    config.json         the model as plain data
    model.weights.h5    variables of layers and optimizer
    assets/…            files of layers, such as vocabularies

The same four lie in a folder when a model is saved with `zipped=False`.
"""

from __future__ import annotations

import datetime
import json
import math
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from weft.errors import ArgumentError
from weft.keras.backend.scopes import Allowance, allocating
from weft.keras.saving.state import load_state, save_state
from weft.keras.saving.stores import Reader, Writer, require_h5py
from weft.keras.utils.serialization import (
    ObjectSharingScope,
    deserialize_keras_object,
    serialize_keras_object,
)
from weft.writing import replacing, replacing_path

CONFIG, METADATA = "config.json", "metadata.json"
WEIGHTS, ARRAYS, ASSETS = "model.weights.h5", "model.weights.npz", "assets"

_LARGEST_CONFIG = 256 << 20
_ALWAYS_ALLOWED = 256 << 20
# Keras packs nothing; weights that were packed by other means shrink a few times.
_LARGEST_GROWTH = 100
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


# -- writing -----------------------------------------------------------------------------


def _described(model: Any) -> dict[str, str]:
    from weft.keras import __version__

    with ObjectSharingScope():
        config = serialize_keras_object(model)
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": __version__, "date_saved": now}
    return {METADATA: json.dumps(metadata), CONFIG: json.dumps(config)}


def write_archive(model: Any, target: Path | IO[bytes]) -> None:
    """Write a `.keras` file; its name shows the old content or all of the new."""
    texts = _described(model)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_state(model, folder)
        if not isinstance(target, Path):
            _pack(target, texts, folder)
            return
        with replacing(target) as file:
            _pack(file, texts, folder)


def _pack(file: IO[bytes], texts: dict[str, str], folder: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())


def write_folder(model: Any, target: Path) -> None:
    """Write the content of a `.keras` file into a folder."""
    texts = _described(model)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with replacing_path(target / name) as part:
            part.write_text(text, "utf-8")
    with replacing_path(target / WEIGHTS) as part:
        _write_weights(model, part)
    _write_assets(model, target)


def _write_state(model: Any, folder: Path) -> None:
    _write_weights(model, folder / WEIGHTS)
    _write_assets(model, folder)


def _write_weights(model: Any, path: Path) -> None:
    with require_h5py().File(path, "w") as file:
        writer = Writer(file)
        save_state(model, keeping_variables(writer.save))


def keeping_variables(save: Any) -> Any:
    """The function for objects that keep variables; others are passed over."""

    def only(path: str, thing: Any) -> None:
        if hasattr(thing, "save_own_variables") and hasattr(thing, "load_own_variables"):
            save(path, thing)

    return only


def _write_assets(model: Any, folder: Path) -> None:
    def save(path: str, thing: Any) -> None:
        if hasattr(thing, "save_assets"):
            inner = folder / ASSETS / path
            inner.mkdir(parents=True, exist_ok=True)
            thing.save_assets(str(inner))

    save_state(model, save)


# -- reading -----------------------------------------------------------------------------


def read_model(
    source: Path | IO[bytes], custom_objects: dict | None, compile: bool, who: str
) -> Any:
    """The model in a `.keras` file, or in a folder.

    Raises:
        ArgumentError: what is there is damaged, or names what is not known.
    """
    with _contents(source, who) as folder:
        if not (folder / CONFIG).is_file():
            raise ArgumentError(f"{who}: {source} must hold {CONFIG}, and does not")
        config = read_json(folder / CONFIG, who)
        if not compile:
            config["compile_config"] = None
        weights = folder / WEIGHTS
        arrays = folder / ARRAYS
        held = weights if weights.is_file() else arrays
        if not held.is_file():
            raise ArgumentError(f"{who}: {source} must hold {WEIGHTS}, and does not")
        size = held.stat().st_size
        with ObjectSharingScope(), allocating(Allowance(8 * size + _ALWAYS_ALLOWED, who)):
            model = _made(config, custom_objects, who)
        if held is weights:
            read_weights(model, weights, who)
        else:
            _read_arrays(model, arrays, who)
        _read_assets(model, folder / ASSETS, who)
    return model


def _made(config: dict, custom_objects: dict | None, who: str) -> Any:
    try:
        return deserialize_keras_object(config, custom_objects)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        error.add_note(
            f"Raised by {who}: classes and functions of your own must be registered or "
            "given in custom_objects={…}; a model that is only to predict can be loaded "
            "with compile=False"
        )
        raise


def read_json(path: Path, who: str) -> dict:
    """The dict in a JSON file.

    Raises:
        ArgumentError: it is too large, damaged, or no dict.
    """
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise ValueError(f"more than {_LARGEST_CONFIG:,} bytes")
        config = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{who}: {path.name} cannot be read ({error})") from error
    if not isinstance(config, dict):
        raise ArgumentError(f"{who}: {path.name} must be a dict; received {config!r:.60}")
    return config


@contextmanager
def _contents(source: Path | IO[bytes], who: str) -> Iterator[Path]:
    """The folder with the content of the file, unpacked for as long as it is needed."""
    if isinstance(source, Path) and source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(source) as archive:
                for member in archive.infolist():
                    _unpack(archive, member, Path(scratch), who)
        except _DAMAGE as error:
            raise ArgumentError(
                f"{who}: {source} is damaged or no .keras file ({error})"
            ) from error
        yield Path(scratch)


def _unpack(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, who: str
) -> None:
    name = PurePosixPath(member.filename)
    known = (CONFIG, METADATA, WEIGHTS, ARRAYS)
    is_asset = name.parts[:1] == (ASSETS,) and not member.is_dir()
    if member.filename not in known and not is_asset:
        return
    if ".." in name.parts or "\\" in member.filename or "\0" in member.filename:
        raise ArgumentError(f"{who}: {member.filename!r} would land outside; refused")
    allowed = _ALWAYS_ALLOWED + _LARGEST_GROWTH * member.compress_size
    if member.file_size > allowed:
        raise ArgumentError(
            f"{who}: {member.filename} claims {member.file_size:,} bytes in "
            f"{member.compress_size:,}, which no model needs; the file was refused"
        )
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as packed, open(target, "wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)


def allowance_for(model: Any, path: Path) -> int:
    """How many bytes of variables may be read for a model from a file."""
    variables = list(model.variables)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        variables += optimizer.variables
    own = sum(v.dtype.size * math.prod(v.shape) for v in variables)
    return max(2 * own, 4 * path.stat().st_size) + _ALWAYS_ALLOWED


def read_weights(
    model: Any, path: Path, who: str, skip_mismatch: bool = False, skipped: Any = ()
) -> list[str]:
    """Give the model the variables of a file; returns the groups that nothing took.

    Raises:
        ArgumentError: naming the objects whose variables are missing or do not fit.
    """
    h5py = require_h5py()
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ArgumentError(f"{who}: {path.name} is no HDF5 file ({error})") from error
    with file:
        reader = Reader(file, allowance_for(model, path), who)
        load = keeping_variables(reader.load)
        load_state(model, load, who, skip_mismatch, skipped)
        return reader.unread()


def _read_arrays(model: Any, path: Path, who: str) -> None:
    """Variables in an .npz whose arrays hold dicts were pickles: those are not read."""
    raise ArgumentError(
        f"{who}: the variables are in {path.name}, whose arrays are pickles and are not "
        f"read; save the model again, its variables go to {WEIGHTS}"
    )


def _read_assets(model: Any, folder: Path, who: str) -> None:
    if not folder.is_dir():
        return

    def load(path: str, thing: Any) -> None:
        inner = folder / path
        if hasattr(thing, "load_assets") and inner.is_dir():
            thing.load_assets(str(inner))

    load_state(model, load, who)


@contextmanager
def weights_inside(path: Path, who: str) -> Iterator[Path]:
    """The file of weights inside of a `.keras` file, for as long as it is needed."""
    with _contents(path, who) as folder:
        if not (folder / WEIGHTS).is_file():
            raise ArgumentError(f"{who}: {path} must hold {WEIGHTS}, and does not")
        yield folder / WEIGHTS
