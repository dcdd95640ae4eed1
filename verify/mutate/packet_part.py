"""The packet of a job alone, behind a table of jobs."""

from typing import NamedTuple

from hw.config import Design
from hw.epilogue.tokens import TokenScale
from sim.vectors.stimulus import generator
from verify.mutate.job_table import job_table


__all__ = ["BITS", "ERRORS", "JOBS", "WIDTH", "PacketJob", "packet_body", "packet_jobs"]


JOBS = 256
"""In the table."""

WIDTH = TokenScale().size - 1
"""Bits of a beat but for ``last``, which is the highest."""

ERRORS = 4
"""Bits of the number of errors before a beat, which leaves with it."""

MOST = 6
"""Beats of a job."""


class PacketJob(NamedTuple):
    """A job; see :func:`verify.mutate.job_table.job_table`.

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


BITS = (1, 1, 3, 3, 3, 3)
"""Of its fields."""

_BODY = """
  // An abort lets all beats go by up to one that is marked, so that none of them is used later.
  reg [2:0] count;
  reg [{errors}:0] errors;
  wire valid, error, stop = state == RUN && brings && aborts && count == after;
  wire takes = m_axis_tvalid && m_axis_tready, ends = count == beats - 3'd1;
  wire [2:0] used = count + takes;
  assign waits = !brings || used == after;
  assign over = brings && !aborts ? takes && ends : waits && rest == delay;
  assign dropped = s_axis_tvalid && s_axis_tready && s_axis_tdata[{width}];
  // What is not on offer is another beat, and a reset comes in the midst of all.
  wire [{width}:0] beat = {{s_axis_tlast, s_axis_tdata[{width} - 1:0]}};
  wire [{width}:0] given = s_axis_tvalid ? beat : ~beat;
  assign m_axis_tvalid = valid && !stop, m_axis_tdata[{width} +: {errors} + 1] = errors;
  always @(posedge clk) begin
    errors <= errors + error;
    count <= state == BEGIN ? 3'd0 : used;
    if (rst) {{count, errors}} <= 0;
  end
  nm_accelerator_job_packet_{payload} part(.clk(clk), .rst(rst),
    .run__begin(state == BEGIN), .run__job(96'd0), .run__drop(state == DROP),
    .brings(brings), .ends(ends), .tlast_error(error),
    .i__valid(s_axis_tvalid || rst), .i__ready(s_axis_tready), .i__payload(given),
    .o__valid(valid), .o__ready(m_axis_tready && !stop || rst),
    .o__payload({{m_axis_tlast, m_axis_tdata[{width} - 1:0]}}));
"""


def packet_jobs(most: int = MOST) -> list[PacketJob]:
    """The table: jobs of any kind, one after the other, of ``most`` beats at most."""
    rng, jobs = generator("packet jobs"), []
    for _ in range(JOBS):
        beats = int(rng.integers(1, most + 1))
        jobs.append(PacketJob(bool(rng.random() < 0.8), bool(rng.random() < 0.4), beats,
                              int(rng.integers(beats)), int(rng.choice([0, 1, 2, 7])),
                              int(rng.choice([0, 1, 7]))))
    return jobs


def packet_body(design: Design) -> str:
    """The packet of tokens' scales, and what jobs ask of it."""
    return job_table(packet_jobs(), BITS) + _BODY.format(
        width=WIDTH, errors=ERRORS - 1, payload=WIDTH + 1)
