"""A choice of which a mutant lets two come true at once."""

import re

import pytest

from synth.flow import yosys
from verify.mutate.make import make


CHOICE = """
module choice(input [2:0] which, input [3:0] a, input [3:0] b, input [3:0] c, output reg [3:0] y);
  always @(*)
    case (which)
      3'd1: y = a;
      3'd2: y = b;
      3'd4: y = c;
      default: y = 0;
    endcase
endmodule
"""


@pytest.mark.parametrize(("which", "number"), [(1, 0b0011), (2, 0b0101), (4, 0b1000)])
def test_two_at_once_are_the_or_of_both(which, number, tmp_path):
    """As in the gates that are made of it, and in proofs: not the first of the two."""
    mutants = make(CHOICE, "choice", 500)
    (tmp_path / "mutants.v").write_text(mutants.verilog)
    values = "-set which {} -set a 3 -set b 5 -set c 8 -set mutant {} -show y choice"
    both = set()
    stuck = [k for k, name in enumerate(mutants.names, start=1)
             if re.search(r"-mode const1 .*\$procmux\S+ -port S", name)]
    assert stuck
    said = yosys.run(["read_verilog mutants.v", "proc",
                      *(f"eval {values.format(which, k)}" for k in (0, *stuck))], tmp_path,
                     timeout=60)
    plain, *both = (int(found, 2) for found in re.findall(r"\\y = 4'([01]+)", said))
    assert plain == number
    assert set(both) == {number | other for other in (3, 5, 8)}
