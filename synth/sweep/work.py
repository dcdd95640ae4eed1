"""Has a point measured by a process of its own: what every worker does, here or on a cluster."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import hw
from hw.command.children import call


__all__ = ["perform"]


_ROOT = str(Path(hw.__file__).parents[1])


def perform(job: dict[str, Any]) -> dict[str, Any]:
    """Run :mod:`synth.sweep.child` for a job; return its answer, with ``status`` where it failed.

    ``status`` is ``timeout`` where the process did not end within ``job["timeout"]`` seconds, and
    ``failed`` where it crashed.
    """
    paths = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
    seconds = job["timeout"]
    try:
        done = call([sys.executable, "-m", "synth.sweep.child"], timeout=seconds, parent=True,
                    input=json.dumps({**job, "parent": os.getpid()}),
                    env={**os.environ, "PYTHONPATH": paths})
    except subprocess.TimeoutExpired:
        return {"status": "timeout", "reason": f"it must end within {seconds:g} s, not take longer"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return {"status": "failed", "reason": f"its process must end well, not with {_end(done)}"
                                              f"{last and f': {last}'}"}
    return json.loads(done.stdout)


def _end(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        return f"the signal {signal.Signals(-done.returncode).name}"
    return f"exit code {done.returncode}"
