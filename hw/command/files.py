"""Output files: complete or not there at all."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hw.command.interrupts import unfinished
from hw.command.progress import doing


__all__ = ["FULL", "alone", "check_file", "check_writable", "temporary", "write_all"]


def write_all(directory: Path, contents: dict[str, str | bytes]) -> list[Path]:
    """Write files into ``directory``, which is made if it is missing; text as UTF-8.

    Everything is written beside its place first and renamed only when all of it is complete, so
    that no partly written file is ever seen. Of several processes that write there at the same
    time one comes after the other: files of one command stay together.

    Raises
    ------
    ValueError
        If the directory cannot be made or written.
    """
    check_writable(directory, contents)
    with _named_errors(directory), _made(directory), temporary(directory) as beside:
        for name, content in contents.items():
            (beside / name).write_bytes(
                content if isinstance(content, bytes) else content.encode())
        with _locked(directory):
            for name in contents:
                os.replace(beside / name, directory / name)
    return [directory / name for name in contents]


def check_writable(directory: Path, names: Iterable[str] = (), option: str = "output") -> None:
    """Raise ValueError if :func:`write_all` could not write there; leave nothing behind.

    For what takes long before there is anything to write. ``names`` are the files to be, and
    ``option`` is what the directory is called.
    """
    with _named_errors(directory, option):
        existing = next(folder for folder in (directory, *directory.absolute().parents)
                        if folder.exists())
        tempfile.TemporaryDirectory(dir=existing, prefix=".nmforge-").cleanup()
        for name in names:
            if (directory / name).is_dir():
                raise IsADirectoryError(None, f"{name} in it is a directory")


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a disk says that takes no more."""


@contextmanager
def temporary(beside: Path | None = None) -> Iterator[Path]:
    """A new directory, in ``beside`` or where temporary files go, that is gone after the block.

    What the disk does not take inside the block is raised with its name: Python gives none for a
    file that is open.
    """
    with (tempfile.TemporaryDirectory(dir=beside, prefix=".nmforge-" if beside else "nmforge-")
          as name, unfinished(Path(name)) as path):
        try:
            yield path
        except OSError as error:
            if error.filename is None and error.errno in FULL:
                error.filename = str(path)
            raise


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Wait until no other process is in such a block with the file ``lock``, which stays.

    ``what`` says for who waits what another process does. A process that ends, however it ends,
    lets go of it.
    """
    with open(lock, "w", encoding="utf-8") as file:
        with doing(f"waiting for another process that {what}"):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_file(name: str, path: Path) -> None:
    """Raise ValueError if a file cannot be written there; leave nothing behind.

    ``name`` is what the option is called.
    """
    try:
        check_writable(path.parent, [path.name])
    except ValueError as error:
        raise ValueError(f"{name} must be a file that can be written, not {str(path)!r} "
                         f"({error.__cause__.strerror})") from None  # type: ignore[union-attr]


@contextmanager
def _made(directory: Path) -> Iterator[None]:
    """Make a directory, and unmake it unless the block ends well."""
    missing = [folder for folder in (directory, *directory.absolute().parents)
               if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # someone else has put something there
            for folder in missing:
                folder.rmdir()
        raise


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other processes from the same block; without, on a file system that has no locks."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _named_errors(directory: Path, option: str = "output") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"{option} must be a writable directory, not {str(directory)!r} "
                         f"({reason})") from error
