"""Files from the network: a cache folder, downloads that are whole or absent, checksums.

    origin ──► part file beside ──► checksum ──► renamed into the cache ──► unpacked

A file in the cache is complete at every moment: an interrupted or wrong download never
takes its name, and a file that is there is only replaced by one that has been checked.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from weft.errors import ArgumentError, WeftError
from weft.keras.utils.archives import extract_archive
from weft.writing import replacing

_BLOCK_BYTES = 1 << 16
_TIMEOUT_SECONDS = 30.0
_HEXADECIMAL_DIGITS = {"md5": 32, "sha256": 64}


class ChecksumError(WeftError, ValueError):
    """A file that came, and is not the one that was expected."""


class DownloadError(WeftError, ConnectionError):
    """A file that cannot be fetched; the message says where to put it by hand."""


def cache_folder() -> Path:
    """The folder of downloaded data: `$KERAS_HOME`, else `~/.keras`, else a passing one.

    Where the home cannot be written it is `.keras` in the system's temporary folder. The
    folder need not exist yet. It is looked up on each call, so the variable may be set at
    any time.

    >>> cache_folder().name  # doctest: +SKIP
    '.keras'
    """
    named = os.environ.get("KERAS_HOME")
    if named:
        return Path(named).expanduser()
    home = Path("~").expanduser() / ".keras"
    return home if _can_write(home) else _temporary_cache()


def _temporary_cache() -> Path:
    folder = Path(tempfile.gettempdir()) / ".keras"
    if _can_write(folder):
        return folder
    # Another user of this machine was first and owns that one.
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "me")
    return folder.with_name(f".keras-{owner}")


def _can_write(folder: Path) -> bool:
    """Whether files can be made in the folder, or in the nearest one above that exists."""
    while not folder.exists():
        if folder == folder.parent:
            return False
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Fetch a file into the cache once, and return its path there.

    The file lies at `cache_dir/cache_subdir/fname`; `cache_dir` is `cache_folder()` unless
    given, and `fname` is the last part of the URL. A file that is there already is used
    without the network, unless `file_hash` is given and differs: then it is fetched again.

    With `extract` the archive is unpacked and the folder's path returned: `name_extracted`
    for `fname="name.zip"`, else `fname` itself, the archive beside it as `fname_archive`.
    `file_hash` is in hexadecimal, sha256 or md5 (`hash_algorithm` "auto" tells them by
    length). `untar` and `md5_hash` are older spellings of `extract` and `file_hash`.

    Raises:
        ValueError: no origin, a name with folders, a wrong checksum, an unsafe archive.
        ConnectionError: it cannot be fetched. The message says where to put it by hand.

    >>> get_file(origin="https://example.org/words.txt")  # doctest: +SKIP
    '/home/me/.keras/datasets/words.txt'
    """
    if not origin:
        raise ArgumentError(
            f"get_file: `origin` must be the URL of the file; received origin={origin!r}."
        )
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(hash_algorithm, file_hash)
    target_name, folder_name = _names(fname, origin, unpack=extract or untar)

    is_only_read = folder_name is None
    target = cached_path(target_name, cache_subdir, cache_dir, is_only_read)
    if force_download or not _is_cached(target, file_hash, algorithm):
        print(f"Downloading data from {origin}", flush=True)
        download(origin, target, file_hash, algorithm)
    if folder_name is None:
        return str(target)

    folder = target.parent / folder_name
    if not extract_archive(target, folder, "tar" if untar else archive_format):
        warnings.warn(
            f"get_file: {target} is no archive of archive_format={archive_format!r} and "
            "was not unpacked; ask for it without `extract`.",
            stacklevel=2,
        )
    return str(folder)


def _names(
    fname: str | os.PathLike[str] | None, origin: str, unpack: bool
) -> tuple[str, str | None]:
    """The names in the cache of the file to fetch, and of the folder to unpack it into."""
    given = os.fspath(fname) if fname else None
    name = given or os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name:
        raise ArgumentError(
            f"get_file: no file name can be read from origin={origin!r}; give `fname`."
        )
    separators = {"/", os.sep, os.altsep or os.sep}
    if name in (".", "..") or any(separator in name for separator in separators):
        raise ArgumentError(
            f"get_file: `fname` must be a name without folders; received fname={name!r}; "
            "name the folder with `cache_dir` and `cache_subdir`."
        )
    if not unpack:
        return name, None
    if given and "." in given:
        return given, f"{given[: given.find('.')]}_extracted"
    return f"{name}_archive", name


def cached_path(
    name: str,
    subfolder: str = "datasets",
    cache_dir: str | os.PathLike[str] | None = None,
    is_only_read: bool = True,
) -> Path:
    """Where a file of the cache is, or where it shall be put.

    A cache that cannot be written may still be read: a file that `is_only_read` is found in
    it, and everything else goes to the temporary one.
    """
    named = cache_dir or os.environ.get("KERAS_HOME") or "~/.keras"
    target = Path(named).expanduser() / subfolder / name
    if (is_only_read and target.is_file()) or _can_write(target.parent):
        return target
    return _temporary_cache() / subfolder / name


def _is_cached(target: Path, file_hash: str | None, algorithm: str) -> bool:
    if not target.exists():
        return False
    if file_hash is None or hash_file(target, algorithm) == file_hash.lower():
        return True
    print(
        f"The file {target} is incomplete or of another version: its {algorithm} is not "
        f"{file_hash}. It is fetched again."
    )
    return False


def download(
    origin: str,
    target: str | os.PathLike[str],
    file_hash: str | None = None,
    algorithm: str = "sha256",
    timeout: float = _TIMEOUT_SECONDS,
) -> None:
    """Fetch a URL (http, https, ftp, file) to a path, which gets all of it or nothing.

    `timeout` counts the seconds without an answer, not the whole transfer.

    Raises:
        ConnectionError: nothing, or not all, came; says where to put the file by hand.
        ValueError: the checksum of what came is not `file_hash`.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    hasher = hashlib.new(algorithm)
    with replacing(target) as part:
        try:
            _transfer(origin, part, hasher, timeout)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DownloadError(
                f"get_file: could not fetch {origin} ({_reason(error)}). Without a "
                f"network, put the file there yourself: {target}"
            ) from error
        received = hasher.hexdigest()
        if file_hash is not None and received != file_hash.lower():
            raise ChecksumError(
                f"get_file: the {algorithm} of {origin} must be {file_hash}; received "
                f"{received}; the download was thrown away. Try again, or check the URL."
            )


def _transfer(origin: str, part: IO[bytes], hasher, timeout: float) -> None:
    with urllib.request.urlopen(origin, timeout=timeout) as response:
        length = response.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        progress = _Progress(total)
        while block := response.read(_BLOCK_BYTES):
            hasher.update(block)
            part.write(block)
            progress.advance(len(block))
        progress.finish()
    if total is not None and progress.done != total:
        raise http.client.IncompleteRead(b"", total - progress.done)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    if isinstance(error, http.client.IncompleteRead):
        return f"{error.expected:,} bytes are missing"
    return str(error) or type(error).__name__


def hash_file(path: str | os.PathLike[str], algorithm: str = "sha256") -> str:
    """The checksum of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _algorithm(hash_algorithm: str, file_hash: str | None) -> str:
    if hash_algorithm == "auto":
        is_long = file_hash is None or len(file_hash) == _HEXADECIMAL_DIGITS["sha256"]
        hash_algorithm = "sha256" if is_long else "md5"
    if hash_algorithm not in _HEXADECIMAL_DIGITS:
        raise ArgumentError(
            "get_file: hash_algorithm must be 'auto', 'md5' or 'sha256'; "
            f"received {hash_algorithm!r}."
        )
    digits = _HEXADECIMAL_DIGITS[hash_algorithm]
    if file_hash is not None and len(file_hash) != digits:
        raise ArgumentError(
            f"get_file: a {hash_algorithm} hash has {digits} hexadecimal digits; "
            f"received {file_hash!r}."
        )
    return hash_algorithm


class _Progress:
    """One line of a download: redrawn on a terminal, printed once at the end elsewhere."""

    WIDTH = 20
    SECONDS_BETWEEN = 0.1

    def __init__(self, total: int | None):
        self.total, self.done = total, 0
        self._start = self._shown = time.monotonic()
        self._live = sys.stdout.isatty()

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if self._live and now - self._shown >= self.SECONDS_BETWEEN:
            self._shown = now
            print(f"\r{self._line(now)}", end="", flush=True)

    def finish(self) -> None:
        print(f"{chr(13) if self._live else ''}{self._line(time.monotonic())}", flush=True)

    def _line(self, now: float) -> str:
        seconds = now - self._start
        speed = self.done / seconds / 1e6 if seconds > 0 else 0.0
        if not self.total:
            return f"{self.done / 1e6:.1f} MB {seconds:.0f}s {speed:.1f} MB/s"
        filled = min(self.WIDTH, self.WIDTH * self.done // self.total)
        bar = "━" * filled + "─" * (self.WIDTH - filled)
        return (
            f"{self.done / 1e6:.1f}/{self.total / 1e6:.1f} MB {bar} "
            f"{seconds:.0f}s {speed:.1f} MB/s"
        )
