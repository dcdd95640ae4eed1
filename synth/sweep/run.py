"""Runs the points of a sweep: what the store lacks is made, the rest is looked up."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from dataclasses import dataclass
from typing import Any

from hw.command import children
from hw.command.faults import Fault, explain
from hw.command.progress import doing
from synth.store import Store
from synth.sweep import work
from synth.sweep.point import Point
from synth.sweep.recall import address, missing, recall


__all__ = ["Outcome", "run"]


@dataclass(frozen=True)
class Outcome:
    """What is known of a point.

    Attributes
    ----------
    parts : dict
        ``result``, and ``wires`` and ``energy`` where they were asked for: what could be made.
    status : str
        ``done`` if there is a result, else ``failed`` or ``timeout``.
    reason : str or None
        Why something is missing.
    """

    parts: dict[str, Any]
    status: str = "done"
    reason: str | None = None


def run(points: Iterable[Point], store: Store, pool: Executor, *, timeout: float | None = None,
        module_timeout: float = 86400,
        each: Callable[[Point, Outcome], None] = lambda point, outcome: None
        ) -> dict[Point, Outcome]:
    """Return what there is to know of all points; what the store lacks is made and kept.

    Parameters
    ----------
    points : iterable of Point
        In any order.
    store : Store
        Shared with whoever works in ``pool``; where these have another one, their results are
        copied.
    pool : Executor
        Of :mod:`synth.sweep.workers`.
    timeout, module_timeout : float
        Seconds after which a point, or a module of it, is given up.
    each : callable
        Is told of every point as soon as it is known.

    Raises
    ------
    ModuleNotFoundError
        If a package is missing.
    Fault
        If a disk is full or cannot be written, or a cluster is gone. All that was made is kept.
    """
    outcomes, left = {}, []
    for point in points:
        parts = recall(point, store)
        if missing(point, parts):
            left.append(point)
        else:
            outcomes[point] = Outcome(parts)
            each(point, outcomes[point])
    left.sort(key=_effort, reverse=True)
    with doing("synthesising points", len(left)) as task:
        futures = {pool.submit(work.perform, _job(point, store, timeout, module_timeout)): point
                   for point in left}
        try:
            for future in as_completed(futures):
                point = futures[future]
                outcomes[point] = _outcome(point, store, _answer(future))
                each(point, outcomes[point])
                task.advance()
        except BaseException:
            _give_up(futures)
            raise
    return outcomes


def _effort(point: Point) -> int:
    """Grows with the work that a point is: the largest first keep all workers busy."""
    design = point.design
    size = design.rows * design.columns if point.name in ("array", "accelerator") else 1
    return design.pattern.m * design.pattern.n * size


def _job(point: Point, store: Store, timeout: float | None, module_timeout: float
         ) -> dict[str, Any]:
    return {"point": point.dump(), "digest": address(point), "store": str(store.folder.resolve()),
            "timeout": timeout, "module_timeout": module_timeout}


def _answer(future: Future) -> dict[str, Any]:
    """What a worker said; a cluster may lose one, or the whole of itself."""
    try:
        answer = future.result()
    except CancelledError:
        raise Fault("scheduler must stay until all is done, not go away; what is done is kept"
                    ) from None
    except ModuleNotFoundError:
        raise Fault("workers of the scheduler must have nmforge[synth] installed, not lack it"
                    ) from None
    except Exception as error:  # of the cluster: the work itself answers whatever happens
        return {"status": "failed", "reason": explain(error) or f"{type(error).__name__}: {error}"}
    if answer.get("stop"):
        if package := answer["missing"]:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        raise Fault(answer["reason"])
    return answer


def _outcome(point: Point, store: Store, answer: dict[str, Any]) -> Outcome:
    for kind, key, value in answer.get("entries", ()):
        if store.get(kind, key) is None:
            store.put(kind, key, value)
    parts, reason = recall(point, store), answer["reason"]
    if "result" in parts:
        return Outcome(parts, "done", reason)
    return Outcome({}, answer.get("status", "failed"), reason)


def _give_up(futures: Sequence[Future] | Iterable[Future]) -> None:
    """Start nothing more, and end what runs here."""
    for future in futures:
        future.cancel()
    children.end_all()
