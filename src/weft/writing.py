"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from weft.errors import WeftError


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Write a file so that its name shows the old content or all of the new, never a part.

    >>> with replacing("numbers.bin") as file:  # doctest: +SKIP
    ...     file.write(bytes(10))
    """
    with replacing_path(Path(target)) as part, open(part, "xb") as file:
        yield file


@contextlib.contextmanager
def replacing_path(target: Path) -> Iterator[Path]:
    """A path to write to, which takes the target's name when the block has ended well.

    Raises:
        OSError: the target cannot be written; of the kind that the system gave.
    """
    part = target.with_name(f".{target.name}.{os.urandom(6).hex()}.part")
    try:
        yield part
        os.replace(part, target)
    except OSError as error:
        if error.errno is None or isinstance(error, WeftError):
            raise
        folder = target.parent.resolve()
        why = f"the folder {folder} lets no file be written ({os.strerror(error.errno)})"
        if not folder.is_dir():
            why = f"there is no folder {folder}; make it with os.makedirs({str(folder)!r})"
        raise OSError(error.errno, f"{str(target)!r} cannot be written: {why}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
