"""Output files: complete or not there at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


__all__ = ["check_writable", "write_all"]


def write_all(directory: Path, contents: dict[str, str | bytes]) -> list[Path]:
    """Write files into ``directory``, which is made if it is missing; text as UTF-8.

    Everything is written beside its place first and renamed only when all of it is complete, so
    that no partly written file is ever seen.

    Raises
    ------
    ValueError
        If the directory cannot be made or written.
    """
    with _named_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".nmforge-") as beside:
            for name, content in contents.items():
                (Path(beside) / name).write_bytes(
                    content if isinstance(content, bytes) else content.encode())
            for name in contents:
                os.replace(Path(beside) / name, directory / name)
    return [directory / name for name in contents]


def check_writable(directory: Path) -> None:
    """Raise ValueError if :func:`write_all` could not write there; leave nothing behind.

    For what takes long before there is anything to write.
    """
    with _named_errors(directory):
        existing = next(folder for folder in (directory, *directory.absolute().parents)
                        if folder.exists())
        tempfile.TemporaryDirectory(dir=existing, prefix=".nmforge-").cleanup()


@contextmanager
def _named_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"output must be a writable directory, not {str(directory)!r} "
                         f"({reason})") from error
