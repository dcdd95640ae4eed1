"""Directories that are made once and then reused, by any number of processes at once."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hw.command.faults import Fault, reason
from hw.command.files import alone, check_writable
from hw.command.interrupts import unfinished
from hw.command.progress import doing


__all__ = ["cache_directory", "cached", "check_cache"]


def cache_directory() -> Path:
    """Where everything that simulations build is kept: ``build/sim`` of the working directory.

    It may be deleted at any time while no simulation runs.
    """
    return Path("build", "sim").absolute()


def check_cache() -> None:
    """Raise Fault if :func:`cached` could make nothing; what is there already may be enough."""
    directory = cache_directory()
    if not directory.is_dir():
        with _named_errors():
            check_writable(directory)


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

    Raises
    ------
    Fault
        If the directory cannot be written, or the disk is full.
    """
    digest = hashlib.sha256(repr(inputs).encode()).hexdigest()[:20]
    final = cache_directory() / f"{name}-{digest}"
    if final.is_dir():
        return final
    with _named_errors():
        final.parent.mkdir(parents=True, exist_ok=True)
        with alone(Path(f"{final}.lock"), f"makes {final.name}"), doing(f"making {name}"):
            if not final.is_dir():
                partial = Path(f"{final}.partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                with unfinished(partial):
                    make(partial)
                    partial.rename(final)
    return final


@contextmanager
def _named_errors() -> Iterator[None]:
    """Say where files should have been written, whoever failed to."""
    try:
        yield
    except (OSError, ValueError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or cause.errno is None:
            raise
        raise Fault("working directory must let files be written to build/sim, not "
                    f"{str(Path.cwd())!r} ({reason(cause)})") from error
