"""Parts of an accelerator alone, behind the streams that benches drive."""

from hw.config import Design
from hw.epilogue.lane import LaneOutput
from hw.epilogue.terms import LaneInput
from sim.simulators.runner import generated


__all__ = ["PARTS", "part", "taken"]


PARTS = ("lane",)
"""Names of modules of an accelerator: ``nm_accelerator_<name>``."""

_LANE = """
module nm_lane(
  input clk, input rst, input [7:0] shift, input [2:0] tensor,
  input [{sent}:0] s_axis_tdata, input s_axis_tlast, input s_axis_tvalid, output s_axis_tready,
  output [{taken}:0] m_axis_tdata, output m_axis_tlast, output m_axis_tvalid, input m_axis_tready
);
  nm_accelerator_lane part(
    .clk(clk), .rst(rst), .exponent(shift), .\\output (tensor),
    .i__valid(s_axis_tvalid), .i__ready(s_axis_tready),
    .i__payload({{s_axis_tlast, s_axis_tdata}}),
    .o__valid(m_axis_tvalid), .o__ready(m_axis_tready),
    .o__payload({{m_axis_tlast, m_axis_tdata}}));
endmodule
"""
"""``shift`` and ``tensor`` are ports that the harness of streams does not change in a run; the
highest bit of a payload is ``last``."""


def taken(name: str) -> int:
    """Bits of data that a part gives; LookupError if there is none of that name."""
    return {"lane": LaneOutput().size - 1}[name]


def part(name: str, design: Design) -> str:
    """Verilog of a part, as it stands in the accelerator, with the top ``nm_<name>`` around it."""
    text, _ = generated("accelerator", design)
    return text + _LANE.format(sent=LaneInput(design).size - 2, taken=taken(name) - 1)
