"""Who measures points: threads that each run a process, or the workers of a Dask cluster."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from hw.command import children
from hw.command.faults import Fault


__all__ = ["cluster", "local"]


CONNECT = 10
"""Seconds in which a scheduler must answer."""


@contextmanager
def local(workers: int) -> Iterator[Executor]:
    """So many points at the same time on this machine."""
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield pool
    finally:
        children.begin()  # whoever gave up has ended them all


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """As many points as the workers of a Dask scheduler have threads.

    Raises
    ------
    ModuleNotFoundError
        If ``distributed`` is not installed.
    Fault
        If no scheduler answers, or it has no worker.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ModuleNotFoundError("distributed must be installed for a scheduler, not missing: "
                                  "pip install 'nmforge[cluster]'", name="distributed") from None
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise Fault(f"scheduler must be a Dask scheduler that answers, as in "
                    f"tcp://127.0.0.1:8786, not {address!r} ({reason})") from None
    with client:
        if not client.scheduler_info()["workers"]:
            raise Fault(f"scheduler must have workers, not none at {address}")
        with client.get_executor(pure=False) as pool:
            yield pool
