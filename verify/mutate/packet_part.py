"""The packet of a job alone: what begins, ends and aborts jobs in front of it, which is a table."""

from typing import NamedTuple

from hw.config import Design
from hw.epilogue.tokens import TokenScale
from sim.vectors.stimulus import generator


__all__ = ["ERRORS", "JOBS", "WIDTH", "PacketJob", "packet_body", "packet_jobs"]


JOBS = 256
"""In the table."""

WIDTH = TokenScale().size - 1
"""Bits of a beat but for ``last``, which is the highest."""

ERRORS = 4
"""Bits of the number of errors before a beat, which leaves with it."""

MOST = 6
"""Beats of a job."""


class PacketJob(NamedTuple):
    """A job; fields stand in its word of the table from bit 0 on.

    Attributes
    ----------
    brings, aborts : bool
        It brings a packet; it is aborted.
    beats : int
        That it uses, from 1.
    after : int
        Beats that are used before the abort.
    delay : int
        Cycles from there to the abort, and of a job without a packet.
    gap : int
        Cycles before the job.
    """

    brings: bool
    aborts: bool
    beats: int
    after: int
    delay: int
    gap: int


_BITS = (1, 1, 3, 3, 3, 3)
"""Of its fields."""

_TABLE = """
  // An abort lets all beats go by up to one that is marked, so that none of them is used later.
  localparam GAP = 0, BEGIN = 1, RUN = 2, DROP = 3;
  function [{top}:0] table_of(input [7:0] at);
    case (at)
{rows}
    endcase
  endfunction
  wire brings, aborts;
  wire [2:0] beats, after, delay, gap;
  assign {{gap, delay, after, beats, aborts, brings}} = table_of(number);
  reg [7:0] number;
  reg [1:0] state;
  reg [2:0] count, rest;
  reg [{errors}:0] errors;
  wire valid, error, stop = state == RUN && brings && aborts && count == after;
  wire takes = m_axis_tvalid && m_axis_tready, ends = count == beats - 3'd1;
  wire [2:0] used = count + takes;
  wire over = brings && !aborts ? takes && ends : (!brings || used == after) && rest == delay;
  wire next = state == RUN ? over && !aborts
            : state == DROP && s_axis_tvalid && s_axis_tready && s_axis_tdata[{width}];
  // What is not on offer is another beat, and a reset comes in the midst of all.
  wire [{width}:0] beat = {{s_axis_tlast, s_axis_tdata[{width} - 1:0]}};
  wire [{width}:0] given = s_axis_tvalid ? beat : ~beat;
  assign m_axis_tvalid = valid && !stop, m_axis_tdata[{width} +: {errors} + 1] = errors;
  always @(posedge clk) begin
    errors <= errors + error;
    count <= state == BEGIN ? 3'd0 : used;
    rest <= next || state == BEGIN ? 3'd0
          : state == GAP || (state == RUN && (!brings || used == after)) ? rest + 3'd1 : rest;
    number <= number + next;
    if (next) state <= GAP;
    else if (state == GAP && rest == gap) state <= BEGIN;
    else if (state == BEGIN) state <= RUN;
    else if (state == RUN && over) state <= DROP;
    if (rst) {{number, state, count, rest, errors}} <= 0;
  end
  nm_accelerator_job_packet_{payload} part(.clk(clk), .rst(rst),
    .run__begin(state == BEGIN), .run__job(96'd0), .run__drop(state == DROP),
    .brings(brings), .ends(ends), .tlast_error(error),
    .i__valid(s_axis_tvalid || rst), .i__ready(s_axis_tready), .i__payload(given),
    .o__valid(valid), .o__ready(m_axis_tready && !stop || rst),
    .o__payload({{m_axis_tlast, m_axis_tdata[{width} - 1:0]}}));
"""


def packet_jobs() -> list[PacketJob]:
    """The table: jobs of any kind, one after the other."""
    rng, jobs = generator("packet jobs"), []
    for _ in range(JOBS):
        beats = int(rng.integers(1, MOST + 1))
        jobs.append(PacketJob(bool(rng.random() < 0.8), bool(rng.random() < 0.4), beats,
                              int(rng.integers(beats)), int(rng.choice([0, 1, 2, 7])),
                              int(rng.choice([0, 1, 7]))))
    return jobs


def packet_body(design: Design) -> str:
    """The packet of tokens' scales, and what jobs ask of it."""
    rows = []
    for number, job in enumerate(packet_jobs()):
        word = at = 0
        for value, bits in zip(job, _BITS, strict=True):
            word |= value << at
            at += bits
        rows.append(f"      {number}: table_of = {word};")
    return _TABLE.format(rows="\n".join(rows), top=sum(_BITS) - 1, width=WIDTH, errors=ERRORS - 1,
                         payload=WIDTH + 1)
