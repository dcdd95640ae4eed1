"""What makes the terms of tokens alone, behind a table of jobs: summaries and scales apart."""

from itertools import product
from typing import NamedTuple

from hw.config import Design
from hw.epilogue.terms import TokenTerms
from hw.epilogue.tokens import TokenScale, TokenSummary
from hw.job.job import Job
from sim.vectors.stimulus import generator
from verify.mutate.job_table import job_table


__all__ = ["ERRORS", "PAUSE", "FinisherJob", "finisher_body", "finisher_jobs", "finisher_width"]


ERRORS = 4
"""Bits of the number of errors before terms, which leave with them."""

PAUSE = 3
"""Bits that say how long one half of a beat comes after it could: 0 is at once, k the k-th power
of two of cycles, less one."""

MOST = 5
"""Tokens of a job."""


DELAYS = (0, 0, 0, 1, 1, 2, 3, 12, 100)
"""Cycles to an abort: before a gain is computed, meanwhile, and after it."""


class FinisherJob(NamedTuple):
    """A job; see :func:`verify.mutate.job_table.job_table`.

    Attributes
    ----------
    wanted, variance, shifts, scales, aborts : bool
        Its corrections, and whether it is aborted.
    blocks, tokens : int
        Of a token, of the job; from 1.
    after : int
        Tokens whose terms are taken before the abort; those that go by, where none are wanted.
    delay : int
        Cycles from there to the abort.
    gap : int
        Cycles before the job.
    """

    wanted: bool
    variance: bool
    shifts: bool
    scales: bool
    aborts: bool
    blocks: int
    tokens: int
    after: int
    delay: int
    gap: int


_BLOCKS = Job()["k_blocks"].width

_BITS = (1, 1, 1, 1, 1, _BLOCKS, 3, 3, 7, 3)
"""Of its fields."""

_BODY = """
  // A beat has the summary of a token and perhaps a scale: of this token, or of a later one. Each
  // is on offer until it is taken. An abort lets all go by up to a beat that is marked.
  wire [{summary}:0] summary;
  wire [{scale}:0] scaled;
  wire [{pause}:0] pause, scale_pause;
  wire brings, mark;
  assign {{mark, brings, scale_pause, pause, scaled, summary}} = s_axis_tdata;
  reg [2:0] given, count;
  reg [7:0] age;
  reg gone, moved, held, marked, busy;
  reg [{scale}:0] kept;
  reg [{errors}:0] errors;
  wire here = s_axis_tvalid && !marked;
  wire offers = here && !gone && age >> pause != 0
              && (state == RUN && given < tokens || state == DROP);
  wire moves = here && brings && !moved && age >> scale_pause != 0 && (!held || scale_ready);
  wire ready, scale_ready, valid, idle;
  wire enters = offers && ready, leaves = m_axis_tvalid && m_axis_tready;
  assign s_axis_tready = here && (gone || enters) && (!brings || moved || moves);

  wire takes = wanted ? leaves : enters;
  wire [2:0] used = count + takes;
  wire stop = state == RUN && aborts && count == after;
  assign waits = count >= after;
  assign over = aborts ? waits && rest == delay : used == tokens;
  assign dropped = marked && !held && idle;

  // No token is inside but the one whose summary was taken, and no scale goes but with terms.
  wire error = state == DROP ? busy && idle
             : idle == busy || (ready && busy)
               || (held && scale_ready) != (scales && leaves);
  assign m_axis_tvalid = valid && !stop, m_axis_tlast = 1'b1;
  assign m_axis_tdata[{terms} +: {errors} + 1] = errors;
  always @(posedge clk) begin
    age <= s_axis_tready ? 1 : here && !age[7] ? age + 1 : age;
    gone <= !s_axis_tready && (gone || enters);
    moved <= !s_axis_tready && (moved || moves);
    held <= moves || (held && !scale_ready);
    if (moves) kept <= scaled;
    marked <= !next && (marked || (s_axis_tready && mark));
    busy <= state != DROP && (busy ? !leaves : enters && wanted);
    given <= state == BEGIN ? 0 : given + enters;
    count <= state == BEGIN ? 0 : used;
    errors <= errors + error;
    if (rst) {{given, count, gone, moved, held, marked, busy, errors, age}} <= 1;  // an age of 1
  end
  // What is not on offer is another beat, and a reset comes in the midst of all.
  nm_accelerator_token_finisher part(.clk(clk), .rst(rst),
    .run__job({{{{{unread}{{1'b1}}}}, blocks}}), .run__begin(state == BEGIN),
    .run__drop(state == DROP && !rst),
    .corrections__wanted(wanted), .corrections__output(3'd1), .corrections__exponent(8'd0),
    .corrections__variance(variance), .corrections__shift(shifts), .corrections__scale(scales),
    .corrections__terms(1'b1),
    .i__valid(offers || rst), .i__ready(ready), .i__payload(offers ? summary : ~summary),
    .i_scale__valid(held || rst), .i_scale__ready(scale_ready),
    .i_scale__payload(held ? kept : ~kept), .idle(idle),
    .o__valid(valid), .o__ready(m_axis_tready && !stop || rst),
    .o__payload(m_axis_tdata[{terms} - 1:0]));
"""


def finisher_width(design: Design) -> int:
    """Bits of a beat: summary, scale, a pause of each, whether a scale is there, and the mark."""
    return TokenSummary(design).size + TokenScale().size + 2 * PAUSE + 2


def finisher_jobs(design: Design) -> list[FinisherJob]:
    """The table: all choices of corrections and of an abort, each several times, in any order."""
    rng, jobs = generator("finisher jobs", design), []
    choices = [choice for choice in product((False, True), repeat=5) for _ in range(8)]
    for at in rng.permutation(len(choices)):
        wanted, variance, shifts, scales, aborts = choices[at]
        tokens = int(rng.integers(1, MOST + 1))
        jobs.append(FinisherJob(
            wanted, variance, shifts, scales, aborts,
            int(rng.integers(1, design.max_blocks + 1)), tokens, int(rng.integers(tokens)),
            int(rng.choice(DELAYS)), int(rng.choice([0, 1, 7]))))
    return jobs


def finisher_body(design: Design) -> str:
    """The part, and what jobs ask of it."""
    return job_table(finisher_jobs(design), _BITS) + _BODY.format(
        summary=TokenSummary(design).size - 1, scale=TokenScale().size - 1, pause=PAUSE - 1,
        errors=ERRORS - 1, terms=TokenTerms().size,
        unread=Job().size - _BLOCKS)
