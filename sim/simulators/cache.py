"""Directories that are made once and then reused, by any number of processes at once."""

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path


__all__ = ["cache_directory", "cached"]


def cache_directory() -> Path:
    """Where everything that simulations build is kept: ``build/sim`` of the working directory.

    It may be deleted at any time while no simulation runs.
    """
    return Path("build", "sim").absolute()


def cached(name: str, inputs: tuple, make: Callable[[Path], None]) -> Path:
    """Return the directory that ``make(directory)`` filled for these inputs.

    ``make`` runs once for each ``name`` and ``inputs``: while one process makes a directory, the
    others wait for it. It is built beside and renamed, so that what was interrupted or raised
    an error is never reused.

    Parameters
    ----------
    name : str
        Beginning of the directory's name, for people who look into the cache.
    inputs : tuple
        Everything the result depends on, as values whose ``repr`` tells them apart.
    make : callable
        Fills an empty directory, which will be renamed: no path into it may be stored.
    """
    digest = hashlib.sha256(repr(inputs).encode()).hexdigest()[:20]
    final = cache_directory() / f"{name}-{digest}"
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{final}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.is_dir():
            partial = Path(f"{final}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            partial.rename(final)
    return final
