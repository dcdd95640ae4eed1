"""Jobs in front of a part alone: Verilog that begins, ends and aborts them, from a table."""

from collections.abc import Sequence
from typing import Any


__all__ = ["job_table"]


_TABLE = """
  localparam GAP = 0, BEGIN = 1, RUN = 2, DROP = 3;
  function [{top}:0] table_of(input [{at}:0] at);
    case (at)
{rows}
    endcase
  endfunction
{wires}
  assign {{{fields}}} = table_of(number);
  reg [{at}:0] number;
  reg [1:0] state;
  reg [{most}:0] rest;
  // The run of a job is over, or is aborted now; it only waits; its abort ends.
  wire over, waits, dropped;
  wire next = state == RUN ? over && !aborts : state == DROP && dropped;
  always @(posedge clk) begin
    rest <= next || state == BEGIN ? 0 : state == GAP || (state == RUN && waits) ? rest + 1 : rest;
    number <= number + next;
    if (next) state <= GAP;
    else if (state == GAP && rest == gap) state <= BEGIN;
    else if (state == BEGIN) state <= RUN;
    else if (state == RUN && over) state <= DROP;
    if (rst) {{number, state, rest}} <= 0;
  end
"""


def job_table(jobs: Sequence[Any], bits: Sequence[int]) -> str:
    """Verilog of jobs, one after the other, and of the ``state`` of the one that is there.

    Each field of a job is a wire. What follows it says by ``over``, ``waits`` and ``dropped`` how
    a job goes on, and may wait for ``rest`` to be a ``delay``: it counts cycles that only wait.

    Parameters
    ----------
    jobs : sequence of NamedTuple
        A power of two of them, with fields ``aborts`` and ``gap``, the cycles before a job.
    bits : sequence of int
        Of each field.
    """
    names = jobs[0]._fields
    rows = []
    for number, job in enumerate(jobs):
        word = at = 0
        for value, width in zip(job, bits, strict=True):
            word |= int(value) << at
            at += width
        rows.append(f"      {number}: table_of = {sum(bits)}'d{word};")
    wires = [f"  wire [{width - 1}:0] {name};" for name, width in zip(names, bits, strict=True)]
    return _TABLE.format(rows="\n".join(rows), wires="\n".join(wires), top=sum(bits) - 1,
                         at=(len(jobs) - 1).bit_length() - 1, most=max(bits) - 1,
                         fields=", ".join(reversed(names)))
