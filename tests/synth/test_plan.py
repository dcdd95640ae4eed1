"""Which designs a command measures."""

from hw.config import Design, Pattern
from synth.command import plan


def test_dense_baselines_come_first_and_once():
    found = plan(["pe", "compressor"], [Pattern(2, 4), Pattern(2, 2)], Design(Pattern(2, 4)))
    assert [(name, str(design.pattern)) for name, design in found] == [
        ("pe", "2:2"), ("pe", "2:4"), ("compressor", "2:4"), ("compressor", "2:2")]


def test_one_lane_has_no_dense_baseline():
    """With two lanes it would be compared with one that does twice as much as it seems to."""
    found = plan(["pe"], [Pattern(1, 4)], Design(Pattern(1, 4)))
    assert [str(design.pattern) for _, design in found] == ["1:4"]
