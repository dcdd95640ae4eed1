"""Spaces of sweeps as TOML."""

from hypothesis import strategies as st

from synth.sweep.space import KEYS, Space, read
from verify.fuzz.damage import NUMBERS, damaged, damaged_bytes
from verify.fuzz.files import written
from verify.fuzz.target import Target, outcome


__all__ = ["TARGET"]


_SPACE = """# every key
patterns = ["1:2", "2:4", "8:16"]
designs = ["selector", "pe", "array"]
selectors = ["rank", "radix"]
gathers = ["window", "butterfly"]
formats = ["int8", "int4"]
shapes = ["1x1", "2 x 4"]
options = ["", "shift=mean+statistics"]
libraries = ["nmforge", {liberty = "a.lib", lef = ["a.lef"], name = "a", memories = "m.csv"}]
goals = ["area", "delay"]
targets = ["asic"]
baselines = true
wires = false
energy = {seeds = 2, cycles = 100, inputs = "gaussian", utilisation = 0.7}

[parameters]
stages = [0, 1]
max_k = 64
"""
_VALUES = st.one_of(
    st.sampled_from(("true", "[]", "{}", "''", "'2:4'", "['2:4']", "[[1]]", "{a = 1}", "[{}]",
                     "1979-05-27", "07:32:00", "[nan]", "['rank']", *NUMBERS)),
    st.text('[]{}"\'=,:x0123', max_size=8))
_LINES = st.lists(st.builds("{} = {}".format, st.sampled_from((*KEYS, "energy.seeds", "x")),
                            _VALUES), max_size=4)
_CASES = st.one_of(
    damaged(_SPACE).map(lambda text: text.encode()), damaged_bytes(_SPACE.encode()),
    _LINES.map(lambda lines: "\n".join(['patterns = ["2:4"]', *lines]).encode()),
    _LINES.map(lambda lines: "\n".join(lines).encode()))


def _check(content: bytes) -> str:
    """What is taken has values on every axis."""
    def take() -> None:
        with written("space.toml", content) as path:
            space = read(path)
        assert isinstance(space, Space)
        assert all((space.patterns, space.designs, space.options, space.libraries, space.goals,
                    space.targets, *space.parameters.values()))

    return outcome(take)


TARGET = Target("spaces", "spaces of sweeps as TOML, damaged", _CASES, _check)
