"""A long time in one cycle: which bits it forces."""

import re

from synth.flow import yosys
from verify.mutate.lapse import COUNTED, LAPSE, LEFT, forced
from verify.mutate.make import make


DESIGN = """
module nm_accelerator_passes_all(input clk, input go, input [15:0] job, output [15:0] now);
  reg [15:0] left;
  always @(posedge clk) left <= go ? left - 16'd1 : job;
  assign now = left;
endmodule
module nm_accelerator_controller(input clk, input go, output [9:0] word);
  reg [9:0] \\$state ;
  wire [4:0] \\registers__state.cycles , \\registers__state.other ;
  assign \\registers__state.cycles = \\$state [9:5];
  assign \\registers__state.other = \\$state [4:0];
  always @(posedge clk)
    \\$state <= {\\registers__state.cycles + 5'd1, \\registers__state.other ^ go};
  assign word = \\$state ;
endmodule
module nm_top(input clk, input go, input [15:0] job, output [15:0] now, output [9:0] word);
  nm_accelerator_passes_all passes(.clk(clk), .go(go), .job(job), .now(now));
  nm_accelerator_controller controller(.clk(clk), .go(go), .word(word));
endmodule
"""


def test_high_bits_of_what_is_left_are_cleared_and_those_of_counters_set(tmp_path):
    """Nothing but these, in a cycle of that choice; ``other`` of the controller is no counter."""
    mutants = make(DESIGN, "nm_top", 1)
    names = list(forced(mutants.gold))
    assert sum("-mode const0 -module nm_accelerator_passes_all" in name for name in names) == \
        16 - LEFT
    assert sum("-mode const1 -module nm_accelerator_controller" in name for name in names) == \
        5 - COUNTED
    assert len(names) == 16 - LEFT + 5 - COUNTED
    (tmp_path / "mutants.v").write_text(mutants.verilog)
    steps = ("sat -seq 2 -set-init-zero -set-at 1 mutant {} -set-at 1 go 0 -set-at 1 job 65535 "
             "-set-at 2 mutant 0 -set-at 2 go 0 -set-at 2 job 0 -show now,word")
    said = yosys.run(["read_verilog mutants.v", "hierarchy -top nm_top", "proc", "flatten",
                      *(steps.format(number) for number in (0, LAPSE))], tmp_path, timeout=60)
    after = [int(value) for value in re.findall(r"^ +2 \\(?:now|word) +(\d+)", said, re.M)]
    assert after == [0xFFFF, 1 << 5, (1 << LEFT) - 1, (0b11000 | 1) << 5]
