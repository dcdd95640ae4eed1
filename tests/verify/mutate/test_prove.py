"""What is proved of a mutant, and in what surroundings."""

from verify.mutate.make import make
from verify.mutate.prove import prove


HOLD = """
module hold(input clk, input rst, input [1:0] s_axis_tdata, input s_axis_tvalid,
            output s_axis_tready, output reg [1:0] m_axis_tdata, output reg m_axis_tvalid,
            input m_axis_tready);
  assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
  always @(posedge clk) begin
    if (s_axis_tready) begin
      m_axis_tdata <= s_axis_tvalid ? s_axis_tdata : 2'd0;
      m_axis_tvalid <= s_axis_tvalid;
    end
    if (rst) m_axis_tvalid <= 0;
  end
endmodule
"""


def test_data_count_while_they_are_valid():
    """What stands on a stream without a beat is nobody's; everything else is somebody's."""
    hold = make(HOLD, "hold", 500)
    idle, beat = ([name for name in hold.names if "-mode inv" in name and "$ternary" in name
                   and f"-port {port}" in name] for port in "AB")
    for way in ("streams", "part"):
        assert prove(hold.gold, "hold", idle[0], [way]) == way
    assert prove(hold.gold, "hold", beat[0]) == ""


NEST = """
module counts(input clk, input rst, input [1:0] step, output reg [3:0] y, output [1:0] rest);
  always @(posedge clk) begin
    if (rst) y[1:0] <= 0; else y[1:0] <= y[1:0] + step;
    if (rst) y[3:2] <= 0; else if (y[1:0] == 2'd3) y[3:2] <= y[3:2] & (y[1:0] == 2'd3 ? 3 : 0);
  end
  assign rest = ~step;
endmodule
module nest(input clk, input rst, input [1:0] step, output [1:0] y);
  wire [1:0] upper, rest;
  counts inner(.clk(clk), .rst(rst), .step(step), .y({upper, y}), .rest(rest));
endmodule
"""


def test_proofs_of_a_module_stand_alone_or_in_what_is_around_it():
    """A register in parts, states that are never reached, and outputs that nobody reads."""
    nest = make(NEST, "nest", 1000)

    def ways(cell, port, way):
        names = [name for name in nest.names if "-module counts" in name and "-mode const1" in name
                 and f"-cell ${cell}$" in name and f"-port {port}" in name]
        assert names
        return {prove(nest.gold, "nest", name, [way]) for name in names}

    assert ways("not", "Y", "module") == {""}
    assert ways("not", "Y", "part") == {""}
    assert ways("not", "Y", "around") == {"around"}
    assert ways("and", "B", "module") == {"module"}, "the comparison has been made before"
    assert ways("add", "Y", "around") == {""}


def test_a_mutant_that_renames_what_a_module_holds_is_still_paired():
    """A bit of an instance's output goes by another name once it is changed on its way."""
    text = """
module holds(input clk, input rst, input [1:0] d, output reg [1:0] q);
  always @(posedge clk) q <= rst ? 2'd0 : d;
endmodule
module user(input clk, input rst, input [1:0] d, input off, output y);
  wire [1:0] q;
  holds inner(.clk(clk), .rst(rst), .d(d), .q(q));
  assign y = q[0] & q[1] & q[1];
endmodule
"""
    user = make(text, "user", 500, modules=["user"])
    alike = [name for name in user.names if "-cell inner -port q -portbit 0" in name
             and "cnot0" in name and name.endswith("-ctrlbit 1")]
    unlike = [name for name in user.names if "-cell inner -port q" in name and "-mode inv" in name]
    assert alike
    assert unlike
    assert prove(user.gold, "user", alike[0], ["module"]) == "module"
    assert prove(user.gold, "user", unlike[0]) == ""


def test_a_pass_counts_while_there_is_one():
    text = """
module walk(input clk, input rst, input begins, input [3:0] size, output reg active,
            output [3:0] now);
  reg [3:0] left;
  assign now = left;
  always @(posedge clk) begin
    left <= begins ? size : active ? left - 4'd1 : left;
    active <= begins | (active & left != 4'd1);
    if (rst) begin active <= 0; left <= 0; end
  end
endmodule
"""
    walk = make(text, "walk", 1000)
    resets = [name for name in walk.names if "-mode inv" in name and "-port B" in name
              and "$procmux" in name]
    found = {prove(walk.gold, "walk", name, ["part"]) for name in resets}
    assert found == {"", "part"}, "of the size, and of whether there is a pass"


def test_a_beat_on_offer_stays_unless_the_job_is_aborted():
    text = """
module keeps(input clk, input rst, input run__drop, input i__valid, input [1:0] i__payload,
             output reg i__ready, output y, output z);
  reg [1:0] held;
  always @(posedge clk) begin
    i__ready <= i__valid & !i__ready & !run__drop;
    held <= i__payload;
    if (rst) i__ready <= 0;
  end
  wire moved = i__ready & (held != i__payload);
  assign y = moved & !run__drop;
  assign z = moved & run__drop;
endmodule
"""
    keeps = make(text, "keeps", 1000)
    never, dropped = (next(name for name in keeps.names if f"design.v:{line}$" in name
                           and "-mode const0" in name and "-port Y" in name) for line in (11, 12))
    for way in ("part", "streams"):
        assert prove(keeps.gold, "keeps", never, [way]) == way
        assert prove(keeps.gold, "keeps", dropped, [way]) == ""


def test_memories_that_are_told_the_same_are_the_same():
    """Nobody has written there: an address counts where it is read, data where they are written."""
    text = """
module my_memory_4x2(input clk, input [1:0] read_address, input read_enable,
                     input [1:0] write_address, input [1:0] write_data, input write_enable,
                     output reg [1:0] read_data);
  reg [1:0] cells [3:0];
  always @(posedge clk) begin
    if (read_enable) read_data <= cells[read_address];
    if (write_enable) cells[write_address] <= write_data;
  end
endmodule
module keeps(input clk, input rst, input [1:0] at, input reads, input writes, output reg o__valid,
             output [1:0] o__payload, output reg o_ends);
  wire [1:0] place = reads ? at : 2'd1;
  wire [1:0] given = writes ? ~at : 2'd2;
  my_memory_4x2 memory(.clk(clk), .read_address(place), .read_enable(reads), .write_address(at),
    .write_data(given), .write_enable(writes), .read_data(o__payload));
  always @(posedge clk) begin
    o__valid <= reads & !rst;
    o_ends <= reads ? at == 2'd3 : 1'd0;
  end
endmodule
"""
    keeps = make(text, "keeps", 1000, modules=["keeps"])

    def found(line, port):
        names = [name for name in keeps.names if f"design.v:{line}$" in name
                 and "$ternary" in name and "-mode inv" in name and f"-port {port}" in name]
        return {prove(keeps.gold, "keeps", name, ["part"]) for name in names}

    for line in (13, 14, 19):  # address, data, and whether a beat is the last
        assert found(line, "A") == {"part"}, "while nobody reads or writes"
        assert found(line, "B") == {""}
