"""The process that measures one point: it reads a job as JSON, and prints what came of it.

A process for each point, so that one that crashes, hangs or takes all memory takes nothing with
it. It ends with all that it has started when it is asked to, or when who started it is gone.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from hw.command.faults import Fault, explain
from hw.command.interrupts import Interrupted, interruptible
from synth.store import Store
from synth.sweep.point import Point
from synth.sweep.recall import address, entries, missing, recall


__all__ = ["main", "perform"]


LOOKS = 0.5
"""Seconds between two looks at whether the parent is still there."""


def perform(job: dict[str, Any]) -> dict[str, Any]:
    """Make what a point lacks.

    Returns
    -------
    dict
        ``entries`` of the store that belong to it; ``reason`` why one of them could not be made,
        or None. With ``stop`` the reason is not the point's: no other one would fare better, and
        ``missing`` names the package that is not installed, or is None.
    """
    reason, point, store = None, Point.load(job["point"]), Store(Path(job["store"]))
    try:
        if address(point) != job["digest"]:
            raise Fault("workers must have the sources, packages and files of the command, not "
                        "others")
        for part in missing(point, recall(point, store)):
            from synth.sweep.measure import PARTS

            PARTS[part](point, store, job["module_timeout"])
    except (OSError, ModuleNotFoundError) as error:
        return {"stop": True, "reason": explain(error),
                "missing": getattr(error, "name", None)}
    except Exception as error:
        reason = explain(error) or _defect(error)
    return {"entries": list(entries(point, store)), "reason": reason}


def _defect(error: Exception) -> str:
    """What is said of an exception that nobody has foreseen."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error}".partition("\n")[0]
    return f"the program must not fail, as with {text} ({Path(last.filename).name}:{last.lineno})"


def _follow(parent: int) -> None:
    """End this process, as SIGTERM does, once its parent is gone."""
    while os.getppid() == parent:
        time.sleep(LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Read the job from standard input; standard output carries nothing but the answer."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    try:
        with interruptible("point"):
            threading.Thread(target=_follow, args=(job["parent"],), daemon=True).start()
            json.dump(perform(job), answer)
            answer.flush()
    except Interrupted as stopped:
        raise SystemExit(stopped.code) from None


if __name__ == "__main__":
    main()
