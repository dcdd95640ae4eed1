"""What the flow has mapped still does what was written, whatever the goal."""

import random

import pytest
from amaranth.back import verilog

from hw.config import Pattern
from hw.selector import make_selector
from synth.flow import CELLS, GOALS, Flow
from synth.flow.netlist import split
from synth.library import liberty
from synth.library.function import compile_function
from tests.hw.selector.test_selector import blocks, expected_mask


WIDTH = 8


def evaluate(module, library, inputs):
    """Every net of a mapped module; a net's value has one bit for each case."""
    cases = (1 << max(value.bit_length() for value in inputs.values())) - 1
    nets = {"0": 0, "1": cases, **inputs}
    waiting = list(module["cells"].values())
    while waiting:
        left = []
        for cell in waiting:
            facts = library.cells[cell["type"]]
            pins = {pin: bits[0] for pin, bits in cell["connections"].items()}
            if not all(pins[pin] in nets for pin in facts.inputs):
                left.append(cell)
                continue
            for pin, text in facts.functions.items():
                function = compile_function(text, facts.inputs)
                nets[pins[pin]] = function(*(nets[pins[k]] for k in facts.inputs)) & cases
        assert len(left) < len(waiting), "the mapped netlist has a loop"
        waiting = left
    return nets


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(("name", "text"), [("rank", "2:4"), ("radix", "4:8")])
def test_mapped_selector_marks_the_largest_scores(goal, name, text, tmp_path):
    pattern, library = Pattern.parse(text), liberty.read(CELLS)
    source = verilog.convert(make_selector(name, pattern, WIDTH), name="top", emit_src=False)
    module = split(source, "top", tmp_path, timeout=60)["top"]
    mapped = Flow(library, goal=goal)._mapper.map(module.text, "top").netlist

    rng = random.Random(f"{goal} {name} {text}")
    cases = list(blocks(pattern.m, WIDTH, 60, seed=f"{goal} {name}"))
    cases += [[rng.randrange(256) for _ in range(pattern.m)] for _ in range(200)]
    scores = mapped["ports"]["scores"]["bits"]
    inputs = {net: sum((case[k // WIDTH] >> k % WIDTH & 1) << number
                       for number, case in enumerate(cases))
              for k, net in enumerate(scores)}
    nets = evaluate(mapped, library, inputs)
    for number, case in enumerate(cases):
        mask = sum((nets[net] >> number & 1) << k
                   for k, net in enumerate(mapped["ports"]["mask"]["bits"]))
        assert mask == expected_mask(case, pattern.n), case
