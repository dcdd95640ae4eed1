"""What is left behind by a command that is interrupted: nothing."""

import subprocess

import pytest

from hw.command.interrupts import unfinished
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
