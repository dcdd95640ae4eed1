"""What the clock of an accelerator is set by."""

import pytest

from hw.config import Design, Pattern
from hw.generate.designs import verilog
from synth.flow import CELLS, Flow
from synth.library import liberty


@pytest.mark.long
@pytest.mark.parametrize("pattern", [Pattern(8, 8), Pattern(8, 16)], ids=str)
def test_array_is_the_longest_path(pattern):
    """Dense or sparse, the control of a job is faster than the multiplications it issues."""
    design = Design(pattern).only("accelerator")
    result, = Flow(liberty.read(CELLS)).run([(verilog("accelerator", design), "nm_accelerator")])
    assert result.path.end.startswith("accelerator.array.accumulator"), result.path
