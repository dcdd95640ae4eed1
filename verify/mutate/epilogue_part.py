"""The epilogue of rows alone, between array and lane: beats begin, end and abort jobs."""

from amaranth.lib import data

from hw.array.sums import ResultRow
from hw.config import Design
from hw.epilogue.epilogue import ChannelBeat, RowSums
from hw.epilogue.terms import TokenTerms
from hw.fixed_point import EXPONENT_BITS, Output
from verify.mutate.told_part import COUNTS


__all__ = ["TERMS", "EpilogueJob", "EpilogueStep", "epilogue_body", "epilogue_sent",
           "epilogue_taken"]


class EpilogueJob(data.StructLayout):
    """A job.

    Fields
    ------
    output : unsigned(3)
        One of :class:`hw.fixed_point.Output`.
    exponent : unsigned(8)
        Bits of the exponent of floats.
    offers : 1
        Terms that the job does not want are on offer all the time; else there are none.
    aborts : 1
        It is aborted.
    taken, given : unsigned(16)
        Beats and rows before it is over: all of them, or less of an aborted one.
    delay, gap : unsigned(4)
        Cycles from there to its end or abort, and from there to the next job.
    """

    def __init__(self) -> None:
        super().__init__({"output": range(max(Output) + 1), "exponent": EXPONENT_BITS, "offers": 1,
                          "aborts": 1, "taken": 16, "given": 16, "delay": 4, "gap": 4})


class EpilogueStep(data.StructLayout):
    """A beat of a job: a row, with what belongs to it; what its job does not want may be any.

    Fields
    ------
    row, token : ResultRow, TokenTerms
        It has terms of a token of its own.
    row_sums, channel : RowSums, ChannelBeat
        Of its tile, if it is the first one there.
    begins : 1
        Whether it is.
    waits : unsigned(2), [4]
        Cycles before each of the four is on offer.
    """

    def __init__(self, design: Design) -> None:
        super().__init__({"row": ResultRow(design), "token": TokenTerms(),
                          "row_sums": RowSums(design), "channel": ChannelBeat(design),
                          "begins": 1, "waits": data.ArrayLayout(2, 4)})


TERMS = {"token": "!raw", "row_sums": "!raw && brings[{begins}]",
         "channel": "scaled && brings[{begins}]"}
"""Streams of terms: when a beat brings some of each."""

_JOBS = """
  // Beats are a job, its rows, and of an aborted one all up to one that is marked.
  localparam IDLE = 0, RUN = 1, DROP = 2;
  reg [1:0] state;
  reg [{job}:0] job;
  wire [2:0] kind;
  wire [7:0] exponent;
  wire offers, aborts;
  wire [15:0] taken, given;
  wire [3:0] delay, gap;
  assign {{gap, delay, given, taken, aborts, offers, exponent, kind}} = job;
  wire raw = kind == {raw}, scaled = kind >= {int8};
  reg [15:0] fed, read;  // beats and rows of the job
  reg [15:0] entered;    // rows that were taken and have not left
  reg [3:0] rest;
  reg marked, wrong;
  wire runs = state == RUN, drops = state == DROP;
  wire [{step}:0] brings = s_axis_tdata[{step}:0];
  wire valid, ready, idle;
  wire takes = s_axis_tvalid && s_axis_tready, gives = m_axis_tvalid && m_axis_tready;
  wire comes = takes && state != IDLE;{terms}
  reg [{row}:0] row;
  reg has_row;
  reg [1:0] row_waits;
  wire row_on = (runs || drops) && has_row && row_waits == 0, row_goes = row_on && ready;
  wire row_last = row[{row}];
  wire fits = (!has_row || row_goes) && (drops || !({late}));
  wire holds = runs && aborts && read == given;
  wire over = fed == taken && read == given;
  wire ends = marked && idle && !has_row;  // an abort lasts until nothing is inside
  assign s_axis_tready = state == IDLE ? rest >= gap
                       : fits && (runs ? fed != taken : drops && !marked);
  assign m_axis_tvalid = valid && !holds, m_axis_tdata[{row}] = wrong;
  // What has a row is not idle; what has none, and is offered none, is.
  wire busy = runs && !raw && entered != 0;
  wire empty = !drops && (!runs || raw || entered == 0 && !row_on);
  wire corrects = runs && !raw && row_goes;
  always @(posedge clk) begin
    if (state == IDLE && takes) job <= s_axis_tdata;
    case (state)
      IDLE: state <= takes ? RUN : IDLE;
      RUN: state <= !over || rest != delay ? RUN : aborts ? DROP : IDLE;
      DROP: state <= ends ? IDLE : DROP;
    endcase{counts}
    if (comes) row <= brings;
    has_row <= comes || has_row && !row_goes;
    row_waits <= comes ? brings[{waits}+:2] : row_waits - (row_waits != 0);
    // Terms go with a row, those of a tile with its last one, and others stay.
    wrong <= wrong || idle && busy || !idle && empty || token_ready != corrects
          || row_sums_ready != (corrects && row_last)
          || channel_ready != (corrects && row_last && scaled);
    if (rst) begin
      {{state, fed, read, entered, marked, wrong, has_row, row_waits}} <= 0;
      rest <= 4'd15;  // the job that was there is kept, and its gap is over
    end
  end
  // What is not on offer is another value, and in a reset there is some of all.
  nm_accelerator_epilogue part(.clk(clk), .rst(rst),
    .run__begin(1'b0), .run__job(96'd0), .run__drop(drops), .idle(idle),
    .corrections__wanted(!raw), .corrections__output(kind), .corrections__exponent(exponent),
    .corrections__variance(!raw), .corrections__shift(!raw), .corrections__scale(scaled),
    .corrections__terms(scaled),
    .i__valid(row_on || rst), .i__ready(ready), .i__payload(row_on ? row : ~row),{pins}
    .o__valid(valid), .o__ready(m_axis_tready && !holds || rst),
    .o__payload({{m_axis_tlast, m_axis_tdata[{row} - 1:0]}}));
"""

_TERMS = """
  reg [{top}:0] {name};
  reg has_{name};
  reg [1:0] {name}_waits;
  wire brings_{name} = {wanted};
  wire {name}_on = (runs || drops) && has_{name} && {name}_waits == 0;
  wire {name}_offered = {name}_on || rst || offers && !(runs && ({kind}));
  wire {name}_ready, {name}_goes = {name}_on && {name}_ready;
  always @(posedge clk) begin
    if (comes && brings_{name}) {name} <= brings[{at}+:{top} + 1];
    has_{name} <= !rst && state != IDLE && (comes && brings_{name} || has_{name} && !{name}_goes);
    {name}_waits <= comes && brings_{name} ? brings[{waits}+:2]
                  : {name}_waits - ({name}_waits != 0);
  end"""

_PINS = """
    .i_{name}__valid({name}_offered), .i_{name}__ready({name}_ready),
    .i_{name}__payload({name}_on ? {name} : ~{name}),"""


def epilogue_sent(design: Design) -> int:
    """Bits of a beat."""
    return max(EpilogueJob().size, EpilogueStep(design).size)


def epilogue_taken(design: Design) -> int:
    """Bits of a row that leaves; one more says that something was wrong inside."""
    return int(ResultRow(design).size)


def epilogue_body(design: Design) -> str:
    """What gives rows and terms to the epilogue, and aborts as a job says."""
    step = EpilogueStep(design)
    waits = step["waits"].offset
    terms, pins, late = [], [], []
    for place, (name, wanted) in enumerate(TERMS.items(), start=1):
        terms.append(_TERMS.format(
            name=name, top=step[name].width - 1, at=step[name].offset, waits=waits + 2 * place,
            wanted=wanted.format(begins=step["begins"].offset), kind=wanted.split()[0]))
        pins.append(_PINS.format(name=name))
        late.append(f"brings_{name} && has_{name} && !{name}_goes")
    return _JOBS.format(
        job=EpilogueJob().size - 1, step=step.size - 1, row=step["row"].width - 1, waits=waits,
        raw=int(Output.RAW), int8=int(Output.INT8), late=" || ".join(late), terms="".join(terms),
        pins="".join(pins), counts=COUNTS)
