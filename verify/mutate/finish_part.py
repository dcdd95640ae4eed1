"""Bias and activation function of rows alone: beats begin, end and abort jobs."""

from typing import NamedTuple

import numpy as np

from hw.array.sums import ResultRow
from hw.config import Design
from hw.epilogue.float_epilogue import BiasBeat
from verify.mutate.told_part import BITS, COUNTS, JOB, batch_of, field_beats


__all__ = ["JOB", "FinishJob", "Step", "batch_of", "finish_body", "finish_width", "job_beats",
           "step_beats", "tile_of"]


class FinishJob(NamedTuple):
    """A job; fields stand in its beat from bit 0 on.

    Attributes
    ----------
    blocks, tokens, tiles, steps : int
        Its size; steps are any.
    bias, active, aborts : bool
        It brings biases; the function follows them; it is aborted.
    taken, given : int
        Beats and rows before it is over: all of them, or less of an aborted one.
    delay, gap : int
        Cycles from there to its end or abort, and from there to the next job.
    """

    blocks: int
    tokens: int
    tiles: int
    steps: int
    bias: bool
    active: bool
    aborts: bool
    taken: int
    given: int
    delay: int
    gap: int


class Step(NamedTuple):
    """A beat of a job; fields stand in it from bit 0 on.

    Attributes
    ----------
    row, ends : int, bool
        Bits of the columns of a row, and its ``last``.
    biases, last : int, bool
        Bits of the biases of a tile, and their ``last``.
    brings_row, brings_biases : bool
        Which of the two it brings; what it does not bring may be any.
    error : bool
        When the row is taken, ``last`` of the biases is early or late.
    row_waits, biases_wait : int
        Cycles before they are on offer, from 0 to 3.
    """

    row: int
    ends: bool
    biases: int
    last: bool
    brings_row: bool
    brings_biases: bool
    error: bool
    row_waits: int
    biases_wait: int


_JOBS = """
  // Beats are a job, its rows and biases, and of an aborted one all up to one that is marked.
  localparam IDLE = 0, BEGIN = 1, RUN = 2, DROP = 3;
  reg [1:0] state;
  reg [{top}:0] job;
  wire bias, active, aborts;
  wire [15:0] taken, given;
  wire [3:0] delay, gap;
  assign {{gap, delay, given, taken, aborts, active, bias}} = job[{top}:96];
  reg [15:0] fed, read;  // beats and rows of the job
  reg [15:0] entered;    // rows that were taken and have not left
  reg [3:0] rest;
  reg marked, wrong;
  // What a beat has brought waits, and is held until it is taken.
  reg [{row}:0] row;
  reg [{biases}:0] biases;
  reg has_row, has_biases, fails;
  reg [1:0] row_waits, biases_wait;
  wire runs = state == RUN, drops = state == DROP;
  wire row_on = (runs || drops) && has_row && row_waits == 0;
  wire biases_on = (runs || drops) && has_biases && biases_wait == 0;
  wire valid, ready, biases_ready, error, idle;
  wire row_goes = row_on && ready, biases_go = biases_on && biases_ready;
  wire brings_row, brings_biases, comes_error;
  wire [1:0] comes_row_waits, comes_biases_wait;
  wire [{row}:0] comes_row;
  wire [{biases}:0] comes_biases;
  assign {{comes_biases_wait, comes_row_waits, comes_error, brings_biases, brings_row,
          comes_biases, comes_row}} = s_axis_tdata[{step}:0];
  wire fits = (!brings_row || !has_row || row_goes)
              && (!brings_biases || !has_biases || biases_go);
  wire holds = runs && aborts && read == given;
  wire over = fed == taken && read == given && (aborts || !has_row && !has_biases);
  wire takes = s_axis_tvalid && s_axis_tready, gives = m_axis_tvalid && m_axis_tready;
  wire comes = takes && state != IDLE;
  // An abort lasts until nothing is inside.
  wire ends = marked && idle && !has_row && !has_biases;
  assign s_axis_tready = state == IDLE ? rest >= gap
                       : fits && (runs ? fed != taken : drops && !marked);
  assign m_axis_tvalid = valid && !holds, m_axis_tdata[{row}] = wrong;
  // What has a row is not idle; what has none, and is offered none, is.
  wire busy = runs && bias && entered != 0;
  wire empty = !drops && (!runs || !bias || entered == 0 && !has_row);
  always @(posedge clk) begin
    if (state == IDLE && takes) job <= s_axis_tdata;
    case (state)
      IDLE: state <= takes ? BEGIN : IDLE;
      BEGIN: state <= RUN;
      RUN: state <= !over || rest != delay ? RUN : aborts ? DROP : IDLE;
      DROP: state <= ends ? IDLE : DROP;
    endcase{counts}
    if (comes && brings_row) {{row, fails}} <= {{comes_row, comes_error}};
    if (comes && brings_biases) biases <= comes_biases;
    has_row <= comes && brings_row || has_row && !row_goes;
    has_biases <= comes && brings_biases || has_biases && !biases_go;
    row_waits <= comes && brings_row ? comes_row_waits : row_waits - (row_waits != 0);
    biases_wait <= comes && brings_biases ? comes_biases_wait : biases_wait - (biases_wait != 0);
    // Biases are taken from a job that brings them and in an abort only.
    wrong <= wrong || error != (runs && row_goes && fails) || idle && busy || !idle && empty
          || biases_ready && !drops && !(runs && bias);
    if (rst) begin
      {{state, fed, read, entered, marked, wrong}} <= 0;
      {{has_row, has_biases, row_waits, biases_wait}} <= 0;
      rest <= 4'd15;  // the job that was there is kept, and its gap is over
    end
  end
  // What is not on offer is another value, between jobs there is some, and in a reset, too. Rows
  // of a job without biases pass at once, so that none comes between such jobs.
  nm_accelerator_float_epilogue part(.clk(clk), .rst(rst),
    .run__begin(state == BEGIN), .run__job(job[95:0]), .run__drop(drops),
    .finish__bias(bias), .finish__active(active), .tlast_error(error), .idle(idle),
    .i__valid(row_on || rst || bias && (state == IDLE || state == BEGIN)), .i__ready(ready),
    .i__payload(row_on ? row : ~row),
    .i_bias__valid(biases_on || rst || !drops && !(runs && bias)), .i_bias__ready(biases_ready),
    .i_bias__payload(biases_on ? biases : ~biases),
    .o__valid(valid), .o__ready(m_axis_tready && !holds || rst),
    .o__payload({{m_axis_tlast, m_axis_tdata[{row} - 1:0]}}));
"""


def _step_bits(design: Design) -> tuple[int, ...]:
    """Of the fields of a step."""
    row, biases = ResultRow(design.summing).size - 1, BiasBeat(design).size - 1
    return row, 1, biases, 1, 1, 1, 1, 2, 2


def finish_width(design: Design) -> int:
    """Bits of a row that leaves; one more says that something was wrong inside."""
    return ResultRow(design).size - 1


def finish_body(design: Design) -> str:
    """What adds biases and applies a function, and what does as a job says."""
    bits = _step_bits(design)
    assert sum(bits) <= JOB, "a beat has room for a step"
    return _JOBS.format(counts=COUNTS, top=JOB - 1, step=sum(bits) - 1, row=bits[0], biases=bits[2])


def tile_of(design: Design, job: FinishJob, place: int) -> tuple[int, bool]:
    """Which tile a row is of, counted through all batches, and whether it is its last row.

    For each batch, for each tile, one token after the other.
    """
    batch = batch_of(design, job.blocks)
    before, inside = divmod(place, batch * job.tiles)
    tokens = min(batch, job.tokens - before * batch)
    tile, token = divmod(inside, tokens)
    return before * job.tiles + tile, token == tokens - 1


def job_beats(jobs: list[FinishJob]) -> np.ndarray:
    """Bits of the beats of jobs."""
    return field_beats(jobs, BITS)


def step_beats(design: Design, steps: list[Step]) -> np.ndarray:
    """Bits of the beats of steps."""
    bits = _step_bits(design)
    if not steps:
        return np.zeros((0, JOB), bool)
    return np.pad(field_beats(steps, bits), ((0, 0), (0, JOB - sum(bits))))
