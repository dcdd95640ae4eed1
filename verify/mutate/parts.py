"""Parts of an accelerator or an array alone, behind the streams that benches drive."""

from collections.abc import Callable
from dataclasses import dataclass

from hw.config import Design
from hw.epilogue.float_lane import WIDTH
from hw.epilogue.lane import LaneOutput
from hw.epilogue.terms import LaneInput, TokenTerms
from hw.epilogue.tokens import TokenSummary
from hw.epilogue.variance import Moments
from hw.fixed_point import GAIN_BITS
from hw.job.job import Job
from hw.job.passes import Pass
from sim.simulators.runner import generated
from verify.mutate.coefficient_part import coefficient_body, coefficient_sent, coefficient_taken
from verify.mutate.epilogue_part import epilogue_body, epilogue_sent, epilogue_taken
from verify.mutate.finish_part import JOB as FINISH
from verify.mutate.finish_part import finish_body, finish_width
from verify.mutate.finisher_part import ERRORS as FINISHER_ERRORS
from verify.mutate.finisher_part import finisher_body, finisher_width
from verify.mutate.float_parts import array_body, array_width, lane_body, sum_body, sum_width
from verify.mutate.packet_part import ERRORS, packet_body
from verify.mutate.packet_part import WIDTH as PACKET
from verify.mutate.row_sum_part import row_sum_body, row_sum_sent, row_sum_taken
from verify.mutate.table_part import JOB, table_body
from verify.mutate.table_part import WIDTH as TERMS


__all__ = ["PARTS", "WALKS", "moments", "part", "taken"]


WALKS = ("tiles_all_chunks", "tiles_all", "tiles_streamed_chunks", "tiles_none")
"""Variants of :class:`hw.job.passes.Passes` in an accelerator with an epilogue; the port ``shift``
of the part ``passes`` chooses one."""


def moments(design: Design) -> Moments:
    """What the gain stage of an accelerator takes."""
    return TokenSummary(design)["moments"].shape


@dataclass(frozen=True)
class _Part:
    """Modules of a design with one stream in and one out.

    Attributes
    ----------
    sent, taken : callable
        Bits of data that it takes, and that it gives, of a design.
    body : callable
        What stands between the ports, of a design. ``shift`` and ``tensor`` are ports that the
        harness of streams does not change in a run.
    of : str
        The design, one of :data:`hw.config.DESIGNS`.
    """

    sent: Callable[[Design], int]
    taken: Callable[[Design], int]
    body: Callable[[Design], str]
    of: str = "accelerator"


_PINS = """.clk(clk), .rst(rst), .i__valid(s_axis_tvalid), .i__ready(s_axis_tready),
    .o__valid(m_axis_tvalid), .o__ready(m_axis_tready)"""

_LANE = f"""
  // The highest bit of a payload is last.
  nm_accelerator_lane part({_PINS},
    .exponent(shift), .\\output (tensor), .i__payload({{s_axis_tlast, s_axis_tdata}}),
    .o__payload({{m_axis_tlast, m_axis_tdata}}));
"""

_GAIN = f"""
  assign m_axis_tlast = 1'b1;
  nm_accelerator_gain part({_PINS},
    .features(shift), .i__payload(s_axis_tdata), .o__payload(m_axis_tdata));
"""

_PASSES = """
  // A beat is a job, which is aborted after as many passes as its steps say, if any.
  reg [95:0] job;
  reg begins;
  reg [6:0] count;
  wire [3:0] active;
  wire drop = active[shift] && job[94:88] != 0 && count == job[94:88];
  wire next = m_axis_tvalid && m_axis_tready;
  assign s_axis_tready = !begins && !active[shift], m_axis_tlast = 1'b1;
  assign m_axis_tvalid = active[shift] && !drop;
  always @(posedge clk) begin
    begins <= s_axis_tvalid && s_axis_tready && !rst;
    if (s_axis_tready) job <= s_axis_tdata;
    count <= begins ? 0 : count + next;
  end
"""

_WALK = """
  wire [{top}:0] now{number};
  nm_accelerator_passes_{walk} walk{number}(.clk(clk), .rst(rst), .run__begin(begins),
    .run__job(job), .run__drop(drop), .next(next && shift == {number}),
    .active(active[{number}]), .now(now{number}));
"""


def _passes(design: Design) -> str:
    """All variants side by side; blocks of one without chunks are without meaning, and 0 here."""
    shape, walks, chosen = Pass(design), [], []
    for number, walk in enumerate(WALKS):
        fields = {name: -1 for name in shape.members} | {"blocks": -walk.endswith("chunks")}
        meant = shape.const({name: value & (1 << shape[name].width) - 1
                             for name, value in fields.items()}).as_bits()
        walks.append(_WALK.format(top=shape.size - 1, number=number, walk=walk))
        chosen.append(f"shift == {number} ? now{number} & {shape.size}'d{meant} : ")
    return f"{_PASSES}{''.join(walks)}  assign m_axis_tdata = {''.join(chosen)}0;\n"


PARTS = {
    "lane": _Part(lambda design: LaneInput(design).size - 1, lambda design: LaneOutput().size - 1,
                  lambda design: _LANE),
    "gain": _Part(lambda design: moments(design).size, lambda design: GAIN_BITS,
                  lambda design: _GAIN),
    "passes": _Part(lambda design: Job().size, lambda design: Pass(design).size, _passes),
    # One bit more says that an abort is over.
    "packet": _Part(lambda design: PACKET + 1, lambda design: PACKET + ERRORS, packet_body),
    # One bit more says whether all was well inside.
    "token_table": _Part(lambda design: JOB, lambda design: TERMS + 1, table_body),
    "token_finisher": _Part(finisher_width, lambda design: TokenTerms().size + FINISHER_ERRORS,
                            finisher_body),
    "coefficients": _Part(coefficient_sent, coefficient_taken, coefficient_body),
    "epilogue": _Part(epilogue_sent, epilogue_taken, epilogue_body),
    # One bit more says whether all was well inside.
    "float_epilogue": _Part(lambda design: FINISH, lambda design: finish_width(design) + 1,
                            finish_body),
    "row_sums": _Part(row_sum_sent, row_sum_taken, row_sum_body),
    "float_array": _Part(array_width, lambda design: design.result_bits, array_body, "array"),
    "float_sum": _Part(sum_width, lambda design: design.result_bits, sum_body, "array"),
    "float_lane": _Part(lambda design: 2 * WIDTH, lambda design: WIDTH, lane_body),
}
"""By name."""

_PORTS = """input clk, input rst, input [7:0] shift, input [2:0] tensor,
  input [$sent:0] s_axis_tdata, input s_axis_tlast, input s_axis_tvalid, output s_axis_tready,
  output [$taken:0] m_axis_tdata, output m_axis_tlast, output m_axis_tvalid, input m_axis_tready"""


def taken(name: str, design: Design) -> int:
    """Bits of data that a part gives; LookupError if there is none of that name."""
    return PARTS[name].taken(design)


def part(name: str, design: Design) -> str:
    """Verilog of a part, as it stands in its design, with the top ``nm_<name>`` around it."""
    chosen = PARTS[name]
    text, _ = generated(chosen.of, design)
    top = f"\nmodule nm_{name}(\n  {_PORTS}\n);{chosen.body(design)}endmodule\n"
    return text + (top.replace("$sent", str(chosen.sent(design) - 1))
                   .replace("$taken", str(chosen.taken(design) - 1)))
