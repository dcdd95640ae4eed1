"""Signals at random moments of commands that take long: one line, and nothing is left."""

import random
import re
import signal
import subprocess

import pytest

from tests.commands import alive, descendants, start, wait_for


SEED = 7

COMMANDS = {
    "hw.generate": ["--pattern", "32:64", "--rows", "8"],
    "sim.selectors": ["--blocks", "10000000", "--patterns", "2:4"],
    "synth.fpga": ["--patterns", "2:4", "8:16", "--designs", "pe", "array"],
    "synth.ratios": ["--selectors-only"],
    "verify.formal": [],
    "verify.fuzz": ["--cases", "3000"],
}

PROGRESS = re.compile(r"\(\d+ s(, about \d+ s left)?\)$")
"""Ends a line that says what is being done."""

UNFINISHED = ("**/*.partial", "**/.new-*", "**/.nmforge-*", "**/*.part", "**/.hypothesis")


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("round_", range(3))
def test_signals_at_random_moments_leave_one_line_and_nothing_else(name, round_, tmp_path):
    drawn = random.Random(f"{SEED} {name} {round_}")
    number, moment = drawn.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]), \
        drawn.uniform(0.3, 1) if round_ == 0 else drawn.uniform(1, 8)
    print(f"seed {SEED}: {number.name} after {moment:.2f} s")
    temporary, folder = tmp_path / "temporary", tmp_path / "folder"
    temporary.mkdir()
    folder.mkdir()
    process = start([name, *COMMANDS[name]], cwd=folder, TMPDIR=str(temporary))
    try:
        with pytest.raises(subprocess.TimeoutExpired):  # it works until then
            process.wait(moment)
        children = descendants(process.pid)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    word = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}.get(number, "hung up")
    said = [line for line in err.splitlines() if line and not PROGRESS.search(line)]
    assert (process.returncode, said) == (128 + number, [f"python -m {name}: {word}"])
    wait_for(lambda: not any(map(alive, children)), 10)
    assert not list(temporary.iterdir())
    assert not [path for pattern in UNFINISHED for path in folder.glob(pattern)]
