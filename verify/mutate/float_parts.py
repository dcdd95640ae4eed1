"""Parts that multiply, add and finish floats, behind the streams that benches drive."""

from hw.array.float_accumulator import FIELD
from hw.config import Design
from hw.config.activations import FUNCTIONS
from hw.epilogue.float_lane import lane_variant


__all__ = ["STEP_BITS", "array_body", "array_ports", "array_width", "lane_body", "sum_body",
           "sum_width"]


_ARRAY = """
  // A beat is a step of one PE, tlast ends its sum; without a beat all inputs are others.
  wire [{top}:0] given = s_axis_tvalid && s_axis_tready ? s_axis_tdata : ~s_axis_tdata;
  reg [1:0] inside;  // results: two behind the chain, which holds one
  assign s_axis_tready = !(s_axis_tlast && inside == 3);
  always @(posedge clk)
    inside <= rst ? 0 : inside + (s_axis_tvalid && s_axis_tready && s_axis_tlast)
                        - (m_axis_tvalid && m_axis_tready);
  nm_array part(.clk(clk), .rst(rst), .step(s_axis_tvalid && s_axis_tready), .last(s_axis_tlast),
    {pins},
    .m_axis_tdata(m_axis_tdata), .m_axis_tlast(m_axis_tlast), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready));
"""

STEP_BITS = 26
"""Of a step of bf16 in 2:4, which may be infinite."""

_SUM = """
  // A beat is a step, of which the sum so far leaves; without a beat there is no step.
  wire take = s_axis_tvalid && s_axis_tready;
  wire [{top}:0] given = take ? s_axis_tdata : {{5'b10001, {width}'d{none}, {bits}'d0}};
  wire [35:0] total;
  reg held, last;
  wire moves;
  assign s_axis_tready = !held || moves;
  always @(posedge clk) begin
    held <= !rst && (take || held && !moves);
    if (take) last <= s_axis_tlast;
  end
  nm_array_float_accumulator_{bits}_infinite part(.clk(clk), .rst(rst),
    .value(given[{value}:0]), .field(given[{field}:{bits}]), .keep(given[{field} + 1]),
    .step(given[{field} + 2]), .nan(given[{field} + 3]), .infinite(given[{field} + 4]),
    .negative(given[{field} + 5]), .total(total));
  nm_array_round_row rounds(.clk(clk), .rst(rst), .i__valid(held), .i__ready(moves),
    .i__payload({{last, total}}), .o__valid(m_axis_tvalid), .o__ready(m_axis_tready),
    .o__payload({{m_axis_tlast, m_axis_tdata}}));
"""

_LANE = """
  // The highest bit of a payload is last.
  nm_accelerator_float_lane_{variant} part(.clk(clk), .rst(rst),{active}
    .i__valid(s_axis_tvalid), .i__ready(s_axis_tready),
    .i__payload({{s_axis_tlast, s_axis_tdata}}),
    .o__valid(m_axis_tvalid), .o__ready(m_axis_tready),
    .o__payload({{m_axis_tlast, m_axis_tdata}}));
"""


def array_ports(design: Design) -> dict[str, int]:
    """Bits of each input of an array of one PE, in the order in which a beat has them."""
    number, weight, pattern = design.number, design.weight, design.pattern
    scales = {"scales": 8, "weight_scales": 8} if design.block else {}
    return {"values": pattern.n * number.bits, "masks": pattern.m,
            "weights": pattern.m * weight.bits, **scales, "start": 1}


def array_width(design: Design) -> int:
    """Bits of a beat."""
    return sum(array_ports(design).values())


def array_body(design: Design) -> str:
    """The array of one PE; it takes the last step of a sum once there is room for its result."""
    pins, at = [], 0
    for name, width in array_ports(design).items():
        pins.append(f".{name}(given[{at + width - 1}:{at}])")
        at += width
    return _ARRAY.format(top=at - 1, pins=", ".join(pins))


def sum_width(design: Design) -> int:
    """Bits of a step: value, field, keep, step, nan, infinite, negative."""
    return STEP_BITS + FIELD + 5


def sum_body(design: Design) -> str:
    """The accumulator that rounds, and what makes results of its sums."""
    top = STEP_BITS + FIELD - 1
    return _SUM.format(bits=STEP_BITS, value=STEP_BITS - 1, field=top, top=top + 5,
                       width=FIELD, none=1 << FIELD - 1)


def lane_body(design: Design) -> str:
    """The lane of an epilogue in floats; ``shift`` says whether its function follows."""
    return _LANE.format(variant=lane_variant(design),
                        active=" .active(shift[0])," * (design.activation in FUNCTIONS))
