"""What tests of commands share: command lines, and processes that are interrupted."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent


def module_of(name):
    """The module that holds ``main`` of a command."""
    packages = ("hw.generate", "synth.energy", "synth.fpga", "synth.performance", "synth.study",
                "synth.sweep", "verify.coverage", "verify.formal", "verify.fuzz",
                "verify.mutate")
    return f"{name}.command" if name in packages else name


def override(base, arguments):
    """Arguments in the place of those options of ``base`` that they give as well."""
    kept, dropping = [], False
    for word in base:
        if word.startswith("-"):
            dropping = word in arguments
        if not dropping:
            kept.append(word)
    return [*kept, *arguments]


def last_line(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def refused(main, arguments, capsys):
    """Run a command that must refuse its arguments; return its last line."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in arguments])
    assert caught.value.code == 2
    return last_line(capsys)


def _default_signals():
    for number in (signal.SIGINT, signal.SIGHUP):  # ignored in the background, and under nohup
        signal.signal(number, signal.SIG_DFL)


def start(arguments, cwd=ROOT, **options):
    """Start ``python -m`` as a user does: signals as they are by default."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=_default_signals,
        env={**os.environ, "PYTHONPATH": str(ROOT), **options})


def descendants(pid):
    """Processes that a process has started, and those have, while it is there."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.02)


def alive(pid):
    """Whether a process runs; one that has ended and waits to be asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
