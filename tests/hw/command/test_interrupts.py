"""What is left behind by a command that is interrupted: nothing."""

import os
import signal
import subprocess
import sys

import pytest

from hw.command.children import call
from hw.command.interrupts import unfinished
from hw.command.parser import Parser
from hw.command.run import run
from tests.commands import wait_for


def test_what_a_child_still_writes_is_removed(tmp_path):
    """As a compiler does that has been killed, but is not dead yet."""
    write = "k=0; while [ $k -lt 1000 ] && [ -d partial ]; do : > partial/$k; k=$((k+1)); done"
    children = []

    def work():
        with unfinished(tmp_path / "partial") as partial:
            partial.mkdir()
            children.append(subprocess.Popen(["sh", "-c", write], cwd=tmp_path,
                                             stderr=subprocess.DEVNULL))
            wait_for(lambda: len(list(partial.iterdir())) > 100)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    children[0].kill()
    children[0].wait()
    assert not (tmp_path / "partial").exists()


class _Dropped:
    """An object during whose end a signal comes."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_while_an_object_ends_is_not_lost(capfd):
    """Python drops what is raised there; the command must not go on, and not blame its children."""
    def work(arguments):
        _Dropped()
        call([sys.executable, "-c", "pass"])

    with pytest.raises(SystemExit) as ended:
        run(Parser("python -m this", "For a test."), work, [])
    assert ended.value.code == 143
    assert capfd.readouterr().err == "python -m this: terminated\n"
