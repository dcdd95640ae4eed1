"""Runs Yosys, one fresh process for every script."""

import os
import signal
import subprocess
import sys
from pathlib import Path


__all__ = ["SynthesisError", "run"]


_PROGRAM = """
import os
os.dup2(os.open("yosys.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
from pyosys import libyosys
libyosys.run_pass("script run.ys", libyosys.Design())
"""


class SynthesisError(RuntimeError):
    """Yosys gave up, or did not end in time. The message is one sentence."""


def run(script: list[str], folder: Path, *, timeout: float) -> str:
    """Run the commands of ``script`` in ``folder`` and return what Yosys printed.

    Every call is a process of its own with a directory for temporary files of its own: Yosys ends
    the whole process on an error, numbers new names through the life of a process (and the names
    reach ABC, whose results depend on them), and caches libraries where it finds ``TMPDIR``.
    Paths in the script are relative to ``folder``, so that no name depends on where it lies.

    Raises
    ------
    SynthesisError
        If Yosys fails, with the last line it printed, or takes more than ``timeout`` seconds.
    """
    (folder / "run.ys").write_text("\n".join(script) + "\n")
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM], cwd=folder,
                               env={**os.environ, "TMPDIR": str(scratch)},
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    try:
        errors = process.communicate(timeout=timeout)[1]
    except BaseException as error:
        # ABC is a child of that process: the whole group ends, also on Ctrl-C.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise SynthesisError(f"Yosys did not end within {timeout:g} s") from None
        raise
    log = folder / "yosys.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    if process.returncode != 0:
        lines = [line.strip() for line in f"{text}\n{errors}".splitlines()]
        last = next((line for line in reversed(lines) if line),
                    f"exit code {process.returncode}")
        raise SynthesisError(f"Yosys failed: {last}")
    return text
