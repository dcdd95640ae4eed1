"""The table of tokens' terms alone: what begins, ends and aborts jobs is told by beats."""

from typing import NamedTuple

import numpy as np

from hw.config import Design
from hw.epilogue.terms import TokenTerms
from verify.mutate.told_part import BITS, JOB, field_beats


__all__ = ["BATCHES", "JOB", "WIDTH", "TableJob", "job_beats", "table_body"]


WIDTH = TokenTerms().size
"""Bits of the terms of a token; a row has one more, which says that ``i_ends`` was wrong."""

BATCHES = 4
"""That fit."""


class TableJob(NamedTuple):
    """A job; fields stand in its beat from bit 0 on.

    Attributes
    ----------
    blocks, tokens, tiles, steps : int
        Its size; steps are any.
    wanted, aborts : bool
        Rows need their tokens' terms; it is aborted.
    late : bool
        Rows wait as long as more tokens may come.
    taken, given : int
        Tokens and rows before it is over: all of them, or less of an aborted one.
    delay, gap : int
        Cycles from there to its end or abort, and from there to the next job.
    """

    blocks: int
    tokens: int
    tiles: int
    steps: int
    wanted: bool
    aborts: bool
    late: bool
    taken: int
    given: int
    delay: int
    gap: int


_TABLE = """
  // Beats are a job, its tokens, and of an aborted one all up to one that is marked.
  localparam IDLE = 0, BEGIN = 1, RUN = 2, DROP = 3;
  reg [1:0] state;
  reg [{top}:0] job;
  wire [95:0] size = job[95:0];
  wire wanted, aborts, late;
  wire [15:0] taken, given;
  wire [3:0] delay, gap;
  assign {{gap, delay, given, taken, late, aborts, wanted}} = job[{top}:96];
  wire [31:0] tokens = size[55:24], tiles = size[87:56];
  wire [31:0] batch = size[23:0] > {most} ? {rows} : {batch};
  wire [35:0] whole = batch * tiles;
  reg [16:0] fed, read;  // tokens and rows of the job,
  reg [31:0] token;      // of their batches,
  reg [35:0] row;
  reg [2:0] ahead;       // and whole batches of tokens, less those whose rows have left
  reg [3:0] rest;
  reg ended, dropped, wrong;
  wire valid, ready, ends;
  // A batch may come in the place of one whose last row has been read.
  wire leaves = row == whole - 1;
  wire room = ahead < (valid && leaves ? {batches} + 1 : {batches});
  wire runs = state == RUN && wanted, feeds = runs && fed != taken;
  wire holds = runs && (aborts && read == given || late && feeds && room);
  wire over = fed == taken && read == given;
  wire takes = s_axis_tvalid && s_axis_tready, gives = m_axis_tvalid && m_axis_tready;
  assign s_axis_tready = state == IDLE ? rest >= gap : state == DROP || feeds && ready;
  // What is seen in the first cycle of an abort belongs to the job.
  assign m_axis_tvalid = valid && !holds && !(state == DROP && !dropped);
  assign m_axis_tdata[{width}] = wrong;
  always @(posedge clk) begin
    if (state == IDLE && takes) job <= s_axis_tdata;
    case (state)
      IDLE: state <= takes ? BEGIN : IDLE;
      BEGIN: state <= RUN;
      RUN: state <= !over || rest != delay ? RUN : aborts ? DROP : IDLE;
      DROP: state <= takes && s_axis_tlast ? IDLE : DROP;
    endcase
    rest <= state == IDLE ? rest + (rest < gap) : state == RUN && over && rest != delay ? rest + 1
          : 0;
    fed <= runs ? fed + takes : 0;
    read <= runs ? read + gives : 0;
    token <= !runs || takes && token == batch - 1 ? 0 : token + takes;
    row <= !runs || gives && leaves ? 0 : row + gives;
    ahead <= runs ? ahead + (takes && token == batch - 1) - (gives && leaves) : 0;
    dropped <= state == DROP;
    // Where no token is waited for, none is the last.
    if (state == RUN) ended <= wanted && !aborts;
    wrong <= wrong || (state == RUN ? ends != (fed + 1 == (wanted && !aborts ? taken : tokens))
                       : state != DROP && ended && ends);
    if (rst) begin
      {{state, fed, read, token, row, ahead, dropped, wrong}} <= 0;
      {{rest, ended}} <= 5'd31;  // the job that was there is kept, and its gap is over
    end
  end
  // What is not on offer is another token, between jobs there are some, and in a reset, too.
  nm_accelerator_token_table part(.clk(clk), .rst(rst),
    .run__begin(state == BEGIN), .run__job(size), .run__drop(state == DROP),
    .corrections__wanted(wanted), .corrections__output(3'd0), .corrections__exponent(8'd0),
    .corrections__variance(1'b0), .corrections__shift(1'b0), .corrections__scale(1'b0),
    .corrections__terms(1'b0),
    .i__valid(runs ? s_axis_tvalid && feeds || rst : 1'b1), .i__ready(ready), .i_ends(ends),
    .i__payload(runs && takes ? s_axis_tdata[{width} - 1:0] : ~s_axis_tdata[{width} - 1:0]),
    .o__valid(valid), .o__ready(m_axis_tready && !holds || rst),
    .o__payload(m_axis_tdata[{width} - 1:0]), .o_ends(m_axis_tlast));
"""


def table_body(design: Design) -> str:
    """The table of tokens' terms, and what does as a job says."""
    return _TABLE.format(top=JOB - 1, width=WIDTH, most=design.max_blocks, rows=design.rows,
                         batch=design.batch_tokens, batches=BATCHES)


def job_beats(jobs: list[TableJob]) -> np.ndarray:
    """Bits of the beats of jobs."""
    return field_beats(jobs, BITS)
