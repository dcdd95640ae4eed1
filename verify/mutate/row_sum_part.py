"""The weight buffer alone: jobs that are in a table, and who reads weights and takes their sums."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from hw.accelerator.weight_buffer import WeightBeat, weight_address
from hw.config import Design
from hw.epilogue.epilogue import RowSums
from sim.vectors.stimulus import generator
from verify.mutate.lapse import LEFT


__all__ = ["BUSY", "CHECK", "ERRORS", "JOBS", "SIZES", "RowSumJob", "row_sum_alone",
           "row_sum_body", "row_sum_jobs", "row_sum_sent", "row_sum_taken"]


JOBS = 256
"""In the table, one after the other."""

SUMS = 6
"""That find room: one that is about to enter the queue, four in it, and the one that it offers."""

CHECK, ERRORS, BUSY = 32, 8, 16
"""Bits of the report of a job, its last beat: of a checksum of the weights that were read, for each
column; of a number of errors; of the cycles in which sums waited."""

MOST = 40
"""Passes of a job that is not aborted."""

SIZES = {"blocks": 24, "tokens": 32, "tiles": 32}
"""Bits of the sizes of a job."""


class RowSumJob(NamedTuple):
    """A job; fields stand in its word of the table from bit 0 on.

    Attributes
    ----------
    blocks, tokens, tiles : int
        Its sizes.
    wanted, aborts : bool
        Sums are wanted; it is aborted.
    passes, sums : int
        Passes that are read, and sums that are taken, before it is over or aborted.
    hold : int
        Cycles before a sum is taken, at least.
    pace : int
        Cycles between two reads, at least.
    delay : int
        Cycles to its end or abort, from where all was read and taken.
    gap : int
        Cycles before the job.
    """

    blocks: int
    tokens: int
    tiles: int
    wanted: bool = True
    aborts: bool = False
    passes: int = 0
    sums: int = 0
    hold: int = 0
    pace: int = 0
    delay: int = 0
    gap: int = 0

    def counts(self, design: Design) -> tuple[int, int, int]:
        """Batches, tiles and chunks that it goes through."""
        batch = design.rows if self.blocks > design.max_blocks else design.batch_tokens
        return (max(1, -(-self.tokens // batch)), max(1, self.tiles),
                max(1, -(-self.blocks // design.max_blocks)))

    def sized(self, name: str, value: int) -> "RowSumJob":
        """The same with another size."""
        size: dict[str, Any] = {name: value}
        return self._replace(**size)

    def until(self, design: Design, passes: int, waits: int = 0) -> "RowSumJob":
        """The same, aborted once so many passes are read, and up to so many of their sums wait."""
        chunks = self.counts(design)[2]
        if waits == SUMS:  # nothing of the next tile finds room
            passes -= passes % chunks
        sums = passes // chunks if self.wanted else 0
        return self._replace(passes=passes, sums=max(0, sums - waits), aborts=True)

    def whole(self, design: Design) -> "RowSumJob":
        """The same, to its end."""
        return self.until(design, prod(self.counts(design)))._replace(aborts=False)


_BITS = (*SIZES.values(), 1, 1, LEFT, LEFT, 7, 5, 7, 3)
"""Of its fields."""

_TABLE = """
  // An abort lets all beats go by up to one that is marked, which the part does not see before.
  localparam GAP = 0, BEGIN = 1, RUN = 2, DROP = 3, DRAIN = 4, REPORT = 5;
  function [{top}:0] table_of(input [8:0] at);
    case (at)
{rows}
    endcase
  endfunction
  wire [{sizes}:0] sizes;
  wire wanted, aborts;
  wire [{count}:0] passes, sums;
  wire [6:0] hold, delay;
  wire [4:0] pace;
  wire [2:0] gap;
  assign {{gap, delay, pace, hold, sums, passes, aborts, wanted, sizes}} = table_of(
    shift == 0 ? {{1'b0, number}} : 9'd{alone} + {{1'b0, shift}});
  reg [7:0] number;
  reg [{count}:0] fetched, taken;
  reg [2:0] state;
  reg [6:0] rest, held;
  reg [4:0] paused;
  reg [{errors}:0] errors;
  reg [{busy}:0] busy;
  reg [{check}:0] check0, check1;
  wire ready, valid, error, idle;
  wire [1:0] full;
  wire [{weights}:0] weights;
  wire [{payload}:0] payload;

  // Sums are taken; the last beat of a job is its report.
  wire take = state == RUN && taken != sums && held == hold, report = state == REPORT;
  wire takes = take && valid && m_axis_tready, next = report && m_axis_tready;
  assign m_axis_tvalid = report || (take && valid), m_axis_tlast = report;
  assign m_axis_tdata = report ? {{busy, errors, check1, check0}} : payload;

  // The second tile of the array reads a cycle later than the first one, and releases a half; what
  // was read stays until the next read.
  wire between = state == GAP;
  reg half, last;
  reg [2:0] read;
  reg [{block} - 1:0] at;
  reg [{block}:0] old;
  reg [{left}:0] left;
  wire ends = at + 1 == left || at + 1 == {most};
  wire reads = state == RUN && full[half] && fetched != passes && paused == pace;
  wire sees0 = pace == 0 ? read[0] : read[1], sees1 = pace == 0 ? read[1] : read[2];
  wire done = fetched == passes && taken == sums && read == 0;
  wire over = done && rest == delay && (aborts || idle);
  // Nothing is loaded outside of a job, nor once all of it is read.
  wire more = full != 0 && (between || (done && !aborts && state == RUN));

  // What is not on offer or asked for is another value, and a reset comes in the midst of all.
  wire mark = s_axis_tdata[{width}], sees = mark ? state == DROP : state != DRAIN;
  wire [{width}:0] beat = {{s_axis_tlast, s_axis_tdata[{width} - 1:0]}};
  wire [{width}:0] given = s_axis_tvalid && sees ? beat : ~beat;
  assign s_axis_tready = ready && sees;
  always @(posedge clk) begin
    errors <= next ? 0 : errors + (error || more);
    busy <= next ? 0 : busy + !idle;
    rest <= between ? rest + 7'd1 : state != RUN || !done || over ? 7'd0
          : rest == delay ? rest : rest + 7'd1;
    held <= takes ? 7'd0 : held == hold ? held : held + 7'd1;
    taken <= taken + takes;
    paused <= reads ? 5'd0 : paused == pace ? paused : paused + 5'd1;
    read <= {{read[1:0], reads}};
    last <= reads && ends;
    old <= {{half, at}};
    if (reads) at <= ends ? 0 : at + 1;
    if (reads && ends) begin
      left <= left > {most} ? left - {most} : sizes[{left}:0];
      fetched <= fetched + 1;
      half <= !half;
    end
    if (sees0) check0 <= {{check0[{check} - 1:0], check0[{check}]}} + weights[0 +: {word}];
    if (sees1) check1 <= {{check1[{check} - 1:0], check1[{check}]}} + weights[{word} +: {word}];
    number <= number + next;
    case (state)
      GAP: if (rest == {{4'd0, gap}}) state <= BEGIN;
      BEGIN: state <= RUN;
      RUN: if (over) state <= aborts ? DROP : REPORT;
      DROP: if (s_axis_tvalid && s_axis_tready && mark) state <= DRAIN;
      DRAIN: if (idle) state <= REPORT;
      default: if (next) state <= GAP;
    endcase
    if (state == BEGIN) begin
      {{held, taken, paused, read, last, at, fetched, half, check0, check1}} <= 0;
      left <= sizes[{left}:0];
    end
    if (rst) {{number, state, rest, errors, busy}} <= 0;
  end
  nm_accelerator_weight_buffer part(.clk(clk), .rst(rst),
    .run__begin(state == BEGIN), .run__drop(state == DROP || state == DRAIN),
    .run__job({{number, between ? ~sizes : sizes}}),
    .reads__address({{read[0] ? old : ~old, reads ? {{half, at}} : ~{{half, at}}}}),
    .reads__enable({{read[0] || rst, reads || rst}}), .reads__release(last || rst),
    .reads__full(full), .weights(weights),
    .i__valid(s_axis_tvalid && sees || rst), .i__ready(ready), .i__payload(given),
    .tlast_error(error), .corrections__wanted(between ^ wanted), .corrections__output(3'd0),
    .corrections__exponent(8'd0), .corrections__variance(1'b0), .corrections__shift(1'b0),
    .corrections__scale(1'b0), .corrections__terms(1'b0), .idle(idle),
    .o_row_sums__valid(valid), .o_row_sums__ready(take && m_axis_tready || rst),
    .o_row_sums__payload(payload));
"""


def row_sum_sent(design: Design) -> int:
    """Bits of a beat: a block of weights of each column, and whether it ends an abort."""
    return WeightBeat(design).size


def row_sum_taken(design: Design) -> int:
    """Bits of the report of a job."""
    return design.columns * CHECK + ERRORS + BUSY


def row_sum_jobs(design: Design) -> list[RowSumJob]:
    """The table: jobs of any kind, one after the other."""
    rng = generator("row sums", design)
    # The first one comes after every reset, and asks for what it may have left.
    jobs = [RowSumJob(design.max_blocks + 2, 1, 3, hold=3).whole(design)]
    for bit in range(max(SIZES.values())):
        jobs += (_large(design, rng, name, bit) for name, width in SIZES.items() if bit < width)
    while len(jobs) < JOBS:
        job = _paced(rng, RowSumJob(int(rng.integers(1, 3 * design.max_blocks + 1)),
                                    int(rng.choice([1, 2, 3, 5, 9])), int(rng.integers(1, 9))))
        passes = prod(job.counts(design))
        if passes <= MOST:
            some = int(rng.integers(passes + 1)), int(rng.choice([*range(SUMS), SUMS, SUMS, SUMS]))
            jobs.insert(int(rng.integers(1, len(jobs) + 1)),
                        job.until(design, *some) if rng.random() < 0.5 else job.whole(design))
    return jobs


def row_sum_alone(design: Design) -> list[tuple[RowSumJob, RowSumJob]]:
    """Jobs that run alone, which the port ``shift`` chooses, from 1.

    Each of them as the table has it, and as it is once a long time has passed in it. There is one
    of very many tokens, tiles or blocks, and one that has all high bits of their number.
    """
    few = {"tokens": RowSumJob(1, 0, 1, delay=20), "tiles": RowSumJob(1, 3, 0, delay=20),
           "blocks": RowSumJob(0, 1, 1, delay=20)}
    many = [job.sized(name, (1 << LEFT) - 1).whole(design) for name, job in few.items()]
    # Whole chunks, since who reads does not know that a long time has passed.
    after = [job.sized(name, 4 * design.max_blocks).whole(design) for name, job in few.items()]
    before = [job.sized(name, (1 << SIZES[name]) - (1 << LEFT) + getattr(job, name))
              for name, job in zip(few, after, strict=True)]
    return [*zip(many, many, strict=True), *zip(before, after, strict=True)]


def _large(design: Design, rng: np.random.Generator, name: str, bit: int) -> RowSumJob:
    """A job that is aborted once it has more passes than without a bit of one of its sizes.

    If it is one of the blocks of a token, tokens and tiles are any.
    """
    any_size = name == "blocks"
    blocks, tokens, tiles = (int(rng.integers(1, 1 << bits if any_size and each != name else 4))
                             for each, bits in SIZES.items())
    job = _paced(rng, RowSumJob(blocks, tokens, tiles))
    without = getattr(job, name) & ~(1 << bit)
    fewer = 2 if any_size else prod(job.sized(name, without).counts(design))
    job = job.sized(name, without | 1 << bit)
    return job.until(design, min(fewer + 1, prod(job.counts(design))), int(rng.integers(3)))


def _paced(rng: np.random.Generator, job: RowSumJob) -> RowSumJob:
    """The same, at any pace."""
    return job._replace(
        wanted=bool(rng.random() < 0.8), hold=int(rng.choice([0, 0, 0, 3, 12, 40])),
        pace=int(rng.choice([0, 0, 0, 1, 3, 20])), delay=int(rng.choice([0, 1, 2, 5, 20, 100])),
        gap=int(rng.choice([0, 1, 7])))


def row_sum_body(design: Design) -> str:
    """The weight buffer, and what jobs ask of it, in a design with such sums."""
    rows = []
    alone = [before for before, _ in row_sum_alone(design)]
    for number, job in enumerate([*row_sum_jobs(design), *alone]):
        word = at = 0
        for value, bits in zip(job, _BITS, strict=True):
            word |= value << at
            at += bits
        rows.append(f"      {number}: table_of = {at}'d{word};")
    return _TABLE.format(
        rows="\n".join(rows), top=sum(_BITS) - 1, sizes=sum(SIZES.values()) - 1,
        count=LEFT - 1, alone=JOBS - 1, left=SIZES["blocks"] - 1,
        errors=ERRORS - 1, busy=BUSY - 1, check=CHECK - 1,
        payload=RowSums(design).size - 1, weights=design.columns * CHECK - 1, word=CHECK,
        block=weight_address(design) - 1, most=design.max_blocks, width=row_sum_sent(design) - 1)
