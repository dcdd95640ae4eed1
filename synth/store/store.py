"""A store of results that any number of processes share: files under the digest of their cause."""

import fcntl
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any


__all__ = ["Store"]


_FAST = 1
"""Effort of the compression: netlists shrink tenfold at any."""


class Store:
    """Values of JSON, each in a file named by its kind and by a digest of what it depends on.

    Plain files rather than a data base, because they need no server and hold on network file
    systems, too. A file is written beside its place, brought to the disk and renamed: it is there
    whole or not at all, whenever a process is killed. What a disk has spoiled since then is seen by
    the SHA-256 in its first line, and counts as not there. Entries are never changed, so nothing
    waits to read them.

    Parameters
    ----------
    folder : Path
        Is made with the first entry.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def get(self, kind: str, key: str) -> Any:
        """Return an entry, or None where there is none; OSError if it cannot be read."""
        try:
            head, _, body = self._path(kind, key).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        if head.decode("ascii", "replace") != sha256(body).hexdigest():
            return None
        return json.loads(zlib.decompress(body))

    def put(self, kind: str, key: str, value: Any) -> None:
        """Write an entry; it is on the disk when this returns.

        Raises
        ------
        OSError
            If the disk is full or cannot be written, with the entry's file; other entries are what
            they were, and nothing is left behind.
        """
        path = self._path(kind, key)
        body = zlib.compress(json.dumps(value).encode(), _FAST)
        temporary = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with open(handle, "wb") as file:
                file.write(sha256(body).hexdigest().encode() + b"\n" + body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
        finally:
            with suppress(OSError):  # renamed, or never made
                os.unlink(temporary)

    def make(self, kind: str, key: str, work: Callable[[], Any], *, wait: bool = True) -> Any:
        """Return an entry, and before that make it with ``work`` where there is none.

        Other processes that want the same entry wait until it is there, or until this one ends.

        Parameters
        ----------
        kind, key : str
            Of the entry.
        work : callable
            Returns its value, which is never None. It may make entries of kinds that are made
            inside this one, never of its own kind.
        wait : bool
            Whether to wait for a process that makes it already; None is returned otherwise.
        """
        found = self.get(kind, key)
        if found is None:
            with self._claim(kind, key, wait) as claimed:
                if claimed and (found := self.get(kind, key)) is None:
                    self.put(kind, key, found := work())
        return found

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / key

    @contextmanager
    def _claim(self, kind: str, key: str, wait: bool) -> Iterator[bool]:
        """Keep an entry to oneself; a process that ends, however it ends, lets go of it.

        Entries share 4096 locks of their kind: these stay, and there are never more.
        """
        path = self.folder / kind / "locks" / key[:3]
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            except OSError:  # a file system without locks: work is done twice at worst
                pass
            yield True
