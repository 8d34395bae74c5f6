"""Unpack archives that come from the network, trusting nothing that they say.

    archive ──► every name, kind and size checked ──► scratch folder ──► moved into place

A member that would land outside the folder, a link, a device, or far more bytes than the
archive can honestly hold stops the whole extraction before a single file is in place.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import os
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, Self

from weft.errors import ArgumentError, WeftError

# Pictures and tables shrink two- to fiftyfold; what grows beyond this was made to hurt.
LARGEST_GROWTH = 250
ALWAYS_ALLOWED_BYTES = 64 << 20
LARGEST_MEMBER_COUNT = 2_000_000
_COPY_BYTES = 1 << 20

# What a damaged or encrypted archive can raise while it is read.
_DAMAGE: tuple[type[Exception], ...]
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_DAMAGE += (ValueError, struct.error, EOFError, OSError, RuntimeError, OverflowError)
# Public, but unknown to the type stubs.
_DAMAGED_HEADERS = (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError)  # type: ignore[attr-defined]


class UnsafeArchiveError(WeftError, ValueError):
    """An archive was refused because of what it holds; nothing of it was kept."""


def extract_archive(
    file_path: str | os.PathLike[str],
    path: str | os.PathLike[str] = ".",
    archive_format: str | Sequence[str] | None = "auto",
) -> bool:
    """Unpack a tar (plain, gz, bz2, xz) or zip archive into a folder, or refuse all of it.

    Returns whether the file was an archive of one of the formats: `"tar"`, `"zip"`, a list
    of them, or `"auto"` for both. Files that are in the folder already and not in the
    archive stay. Permissions and times in the archive are not taken over.

    Raises:
        UnsafeArchiveError: for absolute names, `..`, links, devices and archive bombs.
        ValueError: for an unknown format, or an archive that is damaged or encrypted.
    """
    archive = Path(file_path)
    for name in _formats(archive_format):
        is_archive, members = _FORMATS[name]
        if is_archive(archive):
            _extract(archive, Path(path), members)
            return True
    return False


def _formats(archive_format: str | Sequence[str] | None) -> Sequence[str]:
    if archive_format is None:
        return ()
    if archive_format == "auto":
        return tuple(_FORMATS)
    names = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format)
    unknown = [name for name in names if name not in _FORMATS]
    if unknown:
        raise ArgumentError(
            f"extract_archive: archive_format must be 'auto', None or among "
            f"{list(_FORMATS)}; received {archive_format!r}."
        )
    return names


# A member: its name as the archive spells it, and its open content, or None for a folder.
Member = tuple[str, IO[bytes] | None]


def _extract(
    archive: Path, folder: Path, members: Callable[[Path, int], Iterator[Member]]
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    allowance = _allowance(archive)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        # mkdtemp makes a private folder; what is unpacked follows the user's umask.
        content = scratch / "content"
        content.mkdir()
        _write_members(archive, content, allowance, members)
        _move_into(content, folder)
    except UnsafeArchiveError:
        raise
    except _DAMAGE as error:
        # A system call may fail for the archive's sake, or for the disk's.
        is_of_disk = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
        if is_of_disk:
            raise
        raise ArgumentError(
            f"extract_archive: {archive} cannot be unpacked ({error}); "
            "it is damaged or encrypted; download it again."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _allowance(archive: Path) -> int:
    """How many bytes an archive of this size may hold."""
    return archive.stat().st_size * LARGEST_GROWTH + ALWAYS_ALLOWED_BYTES


def _write_members(
    archive: Path,
    folder: Path,
    allowance: int,
    members: Callable[[Path, int], Iterator[Member]],
) -> None:
    written = 0
    for count, (name, content) in enumerate(members(archive, allowance), start=1):
        if count > LARGEST_MEMBER_COUNT:
            _refuse(archive, name, f"more than {LARGEST_MEMBER_COUNT} members")
        target = folder.joinpath(*_safe_parts(archive, name))
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as file:
            while block := content.read(_COPY_BYTES):
                # Sizes in headers may lie: count what really comes out.
                written += len(block)
                if written > allowance:
                    _refuse_bomb(archive, allowance)
                file.write(block)


def _safe_parts(archive: Path, name: str) -> tuple[str, ...]:
    """The parts of a member's name below the folder; refuses names that lead elsewhere."""
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    if windows.drive or windows.root or posix.is_absolute():
        _refuse(archive, name, "an absolute name")
    # Reading the name as Windows would also finds `..` between backslashes.
    if ".." in windows.parts or ".." in posix.parts:
        _refuse(archive, name, "a name with '..'")
    if "\0" in name:
        _refuse(archive, name, "a name with a zero byte")
    return posix.parts


def _move_into(source: Path, folder: Path) -> None:
    """Put what was unpacked in place: one rename where nothing stands there yet."""
    if not folder.exists():
        os.rename(source, folder)
        return
    for entry in sorted(source.iterdir()):
        target = folder / entry.name
        if entry.is_dir() and target.is_dir() and not target.is_symlink():
            _move_into(entry, target)
        else:
            os.replace(entry, target)


def _refuse(archive: Path, name: str, what: str) -> None:
    raise UnsafeArchiveError(
        f"extract_archive: members must be plain files and folders below the folder; "
        f"received {what} in {archive}: {name!r}; nothing was unpacked. "
        "Unpack it by hand if you trust where it comes from."
    )


def _refuse_bomb(archive: Path, allowance: int) -> None:
    raise UnsafeArchiveError(
        f"extract_archive: an archive of {archive.stat().st_size:,} bytes may hold at most "
        f"{allowance:,} bytes; {archive} holds more; nothing was unpacked. "
        "Unpack it by hand if you trust where it comes from."
    )


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than an allowance of bytes.

    It stands below tarfile, whose own long headers are read into memory in one piece.
    """

    def __init__(self, stream: IO[bytes], archive: Path, allowance: int):
        self._stream, self._archive, self._left = stream, archive, allowance
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            _refuse_bomb(self._archive, self._allowance)
        return block


_DECOMPRESSORS: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x5d\x00\x00": lzma.open,
}


def _open_decompressed(archive: Path) -> IO[bytes]:
    with open(archive, "rb") as file:
        start = file.read(8)
    for magic, opener in _DECOMPRESSORS.items():
        if start.startswith(magic):
            return opener(archive, "rb")
    return open(archive, "rb")


class _StrictInfo(tarfile.TarInfo):
    """A header that must be whole: tarfile alone takes a damaged one for the end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except _DAMAGED_HEADERS as error:
            raise tarfile.ReadError(f"bad header: {error}") from error


@contextlib.contextmanager
def _open_tar(archive: Path, allowance: int) -> Iterator[tarfile.TarFile]:
    # Headers and padding come on top of the content: a record and a half per small file.
    with _open_decompressed(archive) as stream:
        bounded = _Bounded(stream, archive, 2 * allowance)
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_StrictInfo) as tar:
            yield tar


def _is_tar(archive: Path) -> bool:
    # tarfile.is_tarfile would read a first header of any length into memory.
    try:
        with _open_tar(archive, _allowance(archive)):
            return True
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error):
        return False


def _tar_members(archive: Path, allowance: int) -> Iterator[Member]:
    with _open_tar(archive, allowance) as tar:
        for info in tar:
            if info.issym() or info.islnk():
                _refuse(archive, info.name, "a link")
            if not (info.isreg() or info.isdir()):
                _refuse(archive, info.name, "a device or special file")
            yield info.name, None if info.isdir() else tar.extractfile(info)


def _zip_members(archive: Path, allowance: int) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as zipped:
        infos = zipped.infolist()
        # Sizes that are honest about a bomb need not be unpacked to be refused.
        if sum(info.file_size for info in infos) > allowance:
            _refuse_bomb(archive, allowance)
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind == stat.S_IFLNK:
                _refuse(archive, info.filename, "a link")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                _refuse(archive, info.filename, "a device or special file")
            if info.is_dir():
                yield info.filename, None
            else:
                with zipped.open(info) as content:
                    yield info.filename, content


_FORMATS: dict[str, tuple[Callable[..., bool], Callable[[Path, int], Iterator[Member]]]] = {
    "tar": (_is_tar, _tar_members),
    "zip": (zipfile.is_zipfile, _zip_members),
}
