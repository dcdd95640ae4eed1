"""A file for one case, in a folder that all cases of a process share."""

import atexit
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


__all__ = ["written"]


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="nmforge-fuzz-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@contextmanager
def written(name: str, content: bytes) -> Iterator[Path]:
    """Give a file of this name and content; nothing else is in its folder, then or after."""
    folder = _folder()
    path = folder / name
    path.write_bytes(content)
    try:
        yield path
        found = sorted(each.name for each in folder.iterdir())
        assert found == [name], f"files were left: {found}"
    finally:
        path.unlink()
