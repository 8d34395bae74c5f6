"""A folder of checked files, where what was compiled is kept.

    cache = disk(default_folder())
    cache.write(name, payload)
    cache.read(name)               # the same bytes, or None

Files are written beside their place and renamed into it, so any number of processes may read
and write; a file that is damaged is ignored and made anew. Without a folder that can be
written everything still works.

WEFT_CACHE=0 turns the disk off; WEFT_CACHE_DIR names another folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import struct
import sys
import time
from pathlib import Path

from weft.writing import replacing

FORMAT = 1
SIZE_LIMIT = 512 << 20

_MAGIC = b"weft-object\x00"
_HEADER = struct.Struct("<12sIQ32s")  # magic, format, length, sha256 of the rest
_SUFFIX = ".weft"
_STALE_SECONDS = 3600.0


def default_folder() -> Path | None:
    """Where entries live, by WEFT_CACHE_DIR or the system's custom; None: off."""
    if os.environ.get("WEFT_CACHE", "1").strip().lower() in ("0", "off", "false", "no"):
        return None
    if named := os.environ.get("WEFT_CACHE_DIR"):
        return Path(named)
    try:
        if os.name == "nt":
            base = Path(
                os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
            )
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # there is no home
        return None
    return base / "weft"


def name_of(*parts: str) -> str:
    """A file's name: the hash, in hexadecimal, of all that its content depends on."""
    # The lengths keep two lists of parts from looking alike when joined.
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return hashlib.sha256(text.encode()).hexdigest()


class DiskCache:
    """A folder of checked entries. Reading and writing never raise: they may only fail."""

    def __init__(self, folder: Path | None, size_limit: int = SIZE_LIMIT) -> None:
        self.folder, self.size_limit = folder, size_limit
        # Random, so that processes that write little take their turn too.
        self._writes_to_sweep = 1 + os.urandom(1)[0] % 200

    def path(self, name: str) -> Path:
        """Where the entry `name` is, in one of 256 folders."""
        assert self.folder is not None
        return self.folder / name[:2] / (name[2:] + _SUFFIX)

    def read(self, name: str) -> bytes | None:
        """The entry's bytes, or None if there is none that is whole."""
        if self.folder is None:
            return None
        path = self.path(name)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        payload = _checked(content, name)
        if payload is None:
            return None
        with contextlib.suppress(OSError):
            # The time of use decides what is dropped; once an hour is exact enough.
            if time.time() - path.stat().st_mtime > 3600:
                os.utime(path)
        return payload

    def write(self, name: str, payload: bytes) -> bool:
        """Keep the bytes; False if the folder or the disk does not let us."""
        if self.folder is None:
            return False
        path = self.path(name)
        head = _HEADER.pack(_MAGIC, FORMAT, len(payload), _digest(name, payload))
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(path) as file:
                file.write(head + payload)
        except OSError:
            return False
        self._sweep_rarely()
        return True

    def _sweep_rarely(self) -> None:
        self._writes_to_sweep -= 1
        if self._writes_to_sweep > 0:
            return
        self._writes_to_sweep = 200
        self.sweep()

    def sweep(self) -> None:
        """Drop the entries used longest ago until 3/4 of the limit holds the rest."""
        if self.folder is None:
            return
        entries = []
        now = time.time()
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.suffix == _SUFFIX:
                    entries.append((status.st_mtime, status.st_size, path))
                elif path.suffix == ".part" and now - status.st_mtime > _STALE_SECONDS:
                    path.unlink()  # left behind by a process that was killed
        total = sum(size for _, size, _ in entries)
        if total <= self.size_limit:
            return
        for _, size, path in sorted(entries):
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size
            if total <= self.size_limit * 3 // 4:
                break


def _digest(name: str, payload: bytes) -> bytes:
    # The name is part of it: an entry copied under another name is not believed.
    return hashlib.sha256(name.encode() + payload).digest()


def _checked(content: bytes, name: str) -> bytes | None:
    if len(content) < _HEADER.size:
        return None
    magic, version, length, digest = _HEADER.unpack_from(content)
    payload = content[_HEADER.size :]
    whole = magic == _MAGIC and version == FORMAT and length == len(payload)
    return payload if whole and digest == _digest(name, payload) else None


@functools.cache
def disk(folder: Path | None) -> DiskCache:
    """The one cache of a folder in this process."""
    return DiskCache(folder)
