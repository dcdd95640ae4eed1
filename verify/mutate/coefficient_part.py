"""The loader of the input channels' parameters alone, behind a table of jobs."""

from hw.compressor.channel import ChannelBeat
from hw.config import Design
from hw.job.job import Job
from verify.mutate.job_table import job_table
from verify.mutate.packet_part import BITS, ERRORS, PacketJob, packet_jobs


__all__ = ["coefficient_body", "coefficient_jobs", "coefficient_sent", "coefficient_taken",
           "coefficient_width"]


_BODY = """
  // Each job ends with one more beat, without data, which shows what is loaded. An abort lets all
  // beats go by up to one that is marked.
  reg [2:0] count;
  reg [{errors}:0] errors;
  reg marked, wrong;
  wire ready, valid, busy, error, last;
  wire [{blocks}:0] blocks;
  wire [{width} - 1:0] data;
  wire here = s_axis_tvalid && !marked;
  assign s_axis_tready = ready && !marked;
  wire loads = state == RUN && brings && count < beats;
  wire stop = state == RUN && brings && aborts && count == after;
  wire done = !brings || count == (aborts ? after : beats);
  assign waits = done && rest != delay;
  wire ends = done && rest == delay;
  wire report = state == RUN ? !aborts && ends : state == DROP && marked;
  assign over = ends && (aborts || m_axis_tready), dropped = report && m_axis_tready;
  assign m_axis_tvalid = report || (loads && valid && !stop), m_axis_tlast = report || last;
  assign m_axis_tdata = {{wrong, errors, blocks, report, report ? {width}'d0 : data}};
  // What is not on offer is another beat, and a reset comes in the midst of all, or where a load
  // begins.
  wire [{width}:0] beat = {{s_axis_tlast, s_axis_tdata[{width} - 1:0]}};
  always @(posedge clk) begin
    count <= state == BEGIN ? 3'd0 : count + (!report && m_axis_tvalid && m_axis_tready);
    marked <= !next && (marked || (here && ready && s_axis_tdata[{width}]));
    errors <= errors + error;
    wrong <= wrong || (valid && !loads) || (state != DROP && busy != loads);
    if (rst) {{count, marked, errors, wrong}} <= 0;
  end
  nm_accelerator_coefficient_loader part(.clk(clk), .rst(rst),
    .run__job({{{{{unread}{{1'b1}}}}, {size}'d0 | beats}}),
    .run__begin(rst ? number[0] : state == BEGIN), .run__drop(state == DROP && !rst),
    .loading__wanted(brings || rst), .loading__blocks(blocks), .busy(busy), .tlast_error(error),
    .i__valid(here || rst), .i__ready(ready), .i__payload(here ? beat : ~beat),
    .o__valid(valid), .o__ready(m_axis_tready && !stop || rst), .o__payload({{last, data}}));
"""


def coefficient_width(design: Design) -> int:
    """Bits of a beat but for ``last``, which is the highest."""
    return ChannelBeat(design).size - 1


def coefficient_sent(design: Design) -> int:
    """One bit more says that an abort is over."""
    return coefficient_width(design) + 1


def coefficient_taken(design: Design) -> int:
    """A beat; whether it ends a job, the blocks that are loaded, errors, and whether all is well.

    ``busy`` must be high while beats are to come and at no other time.
    """
    return coefficient_width(design) + 1 + design.max_blocks.bit_length() + ERRORS + 1


def coefficient_jobs(design: Design) -> list[PacketJob]:
    """The table; its first job shows what a reset leaves."""
    _, *jobs = packet_jobs(design.max_blocks)
    return [PacketJob(brings=False, aborts=False, beats=1, after=0, delay=0, gap=0), *jobs]


def coefficient_body(design: Design) -> str:
    """The loader, and what jobs ask of it."""
    size = Job()["k_blocks"].width
    return job_table(coefficient_jobs(design), BITS) + _BODY.format(
        width=coefficient_width(design), errors=ERRORS - 1, size=size, unread=Job().size - size,
        blocks=design.max_blocks.bit_length() - 1)
