"""A bench in SystemVerilog that needs nothing beside the design, for the simulation of a flow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hw.generate.package.buses import AXI4_STREAM, Interface
from hw.generate.package.description import Description
from hw.generate.package.verilog import declared, instance


__all__ = ["Bench", "bench"]


BEATS = 16
"""Beats of a packet."""


@dataclass(frozen=True)
class Bench:
    """A bench: what it checks in one line, and its text. It ends with ``$fatal`` or passes."""

    checks: str
    text: str


def bench(about: Description) -> Bench | None:
    """The bench that fits the ports.

    Registers are read, written and read again; a design with streams gets a packet into each one
    and must give one packet, at random times; a combinational selector gets random scores. None
    for other designs: nothing at their inputs says when they are taken.
    """
    if about.control:
        return _made(about, "registers: values after reset, and what is written is read",
                     _registers)
    if {one.role for one in about.interfaces if one.bus == AXI4_STREAM} == {"master", "slave"}:
        return _made(about, "a packet goes in at random times and one comes out, unchanged while "
                     "it waits", _packets)
    if not about.clock and {"scores", "mask"} <= {port.name for port in about.plain}:
        return _made(about, "masks of random scores have N bits", _masks)
    return None


def _made(about: Description, checks: str, body: Callable[[Description], Iterator[str]]) -> Bench:
    lines = [f"// Bench of {about.top}, by nmforge {about.version}:", f"// {checks}.",
             "", f"module {about.top}_bench;",
             *declared(about.ports, "logic"), "",
             *instance(about.top, "dut", {port.name: port.name for port in about.ports}), ""]
    if about.clock:
        lines += ["  initial clk = 1'b0;", "  always #5 clk = ~clk;", ""]
    return Bench(checks, "\n".join([*lines, *body(about), "endmodule", ""]))


_PROCESS = "  always begin  // once: not initial, where Verilator takes <= for ="


def _start(about: Description, *driven: str) -> Iterator[str]:
    """Begin the main process: inputs that nothing else drives are zero, then a reset."""
    for port in about.ports:
        if port.direction == "in" and port not in (about.clock, about.reset) \
                and port.name not in driven:
            yield f"    {port.name} = {_still(about, port.name, port.width)};"
    if about.reset:
        low = about.reset.name.endswith("_n")
        yield f"    {about.reset.name} = 1'b{int(not low)};"
        yield "    repeat (4) @(posedge clk);"
        yield f"    {about.reset.name} <= 1'b{int(low)};"
        yield "    @(posedge clk);"


def _still(about: Description, name: str, width: int) -> str:
    """What an input holds: where a pattern is asked for, that of the design."""
    n, m = about.parameters["n"], about.parameters["m"]
    flexible, size = about.parameters["flexible"], m.bit_length() - 1
    asked = {"none": 0, "n": n, "all": n | size << m.bit_length()}[flexible]
    held = {"n": n, "size": size, "s_axis_tuser": asked}
    return f"{width}'d{held.get(name, 0) if flexible != 'none' else 0}"


def _end(about: Description, checked: str) -> Iterator[str]:
    yield f'    $display("{about.top}_bench: passed, {checked}");'
    yield "    $finish;"
    yield "  end"


_REGISTERS = """\
  task automatic write(input logic [{high}:0] address, input logic [31:0] value);
    {bus}_awaddr <= address;
    {bus}_awvalid <= 1'b1;
    {bus}_wdata <= value;
    {bus}_wstrb <= 4'hF;
    {bus}_wvalid <= 1'b1;
    do begin
      @(posedge clk);
      if ({bus}_awready) {bus}_awvalid <= 1'b0;
      if ({bus}_wready) {bus}_wvalid <= 1'b0;
    end while ({bus}_awvalid || {bus}_wvalid);
    {bus}_bready <= 1'b1;
    do @(posedge clk); while (!({bus}_bvalid && {bus}_bready));
    {bus}_bready <= 1'b0;
    if ({bus}_bresp !== 2'b00) $fatal(1, "write to %h: response %b", address, {bus}_bresp);
  endtask

  task automatic check(input logic [{high}:0] address, input logic [31:0] expected);
    {bus}_araddr <= address;
    {bus}_arvalid <= 1'b1;
    do @(posedge clk); while (!({bus}_arvalid && {bus}_arready));
    {bus}_arvalid <= 1'b0;
    {bus}_rready <= 1'b1;
    do @(posedge clk); while (!({bus}_rvalid && {bus}_rready));
    {bus}_rready <= 1'b0;
    if ({bus}_rresp !== 2'b00) $fatal(1, "read of %h: response %b", address, {bus}_rresp);
    if ({bus}_rdata !== expected)
      $fatal(1, "read of %h: %h, not %h", address, {bus}_rdata, expected);
  endtask
"""
"""A handshake counts only where the valid or ready of this side has already been seen."""


def _registers(about: Description) -> Iterator[str]:
    assert about.control
    high, bus = about.control.address_width - 1, about.control.name
    yield from _REGISTERS.format(high=high, bus=bus).splitlines()
    yield ""
    yield _PROCESS
    yield from _start(about)
    for register in about.registers:
        yield f"    check({high + 1}'h{register.offset:X}, 32'h{register.reset:08X});"
    for pattern in (0x55555555, 0xAAAAAAAA):
        for register in about.registers:
            if register.kept:
                yield f"    write({high + 1}'h{register.offset:X}, 32'h{pattern:08X});"
        for register in about.registers:
            if register.kept:
                read = pattern & register.kept | register.reset & ~register.kept
                yield f"    check({high + 1}'h{register.offset:X}, 32'h{read:08X});"
    yield from _end(about, f"{len(about.registers)} registers")


_SINK = """\
  int {name}_sent;
  always @(posedge clk)
    if ({reset}) begin
      {name}_tvalid <= 1'b0;
      {name}_sent <= 0;
    end else if (!{name}_tvalid || {name}_tready) begin
      {name}_tvalid <= 1'b0;
      if ({name}_sent < {beats} && $urandom_range(3) != 0) begin
        {name}_tvalid <= 1'b1;
        {name}_tlast <= {name}_sent == {last};
        {name}_sent <= {name}_sent + 1;
        for (int k = 0; k < {bytes}; k++) {name}_tdata[8*k +: 8] <= 8'($urandom);
      end
    end
"""

_SOURCE = """\
  int {name}_beats, {name}_packets;
  logic {name}_waits;
  logic [{high}:0] {name}_offered;
  always @(posedge clk)
    if ({reset}) begin
      {name}_tready <= 1'b0;
      {name}_waits <= 1'b0;
      {name}_beats <= 0;
      {name}_packets <= 0;
    end else begin
      {name}_tready <= $urandom_range(3) != 0;
      if ({name}_waits && !({name}_tvalid && {name}_offered === {payload}))
        $fatal(1, "{name}: a beat changed while it waited");
      {name}_waits <= {name}_tvalid && !{name}_tready;
      {name}_offered <= {payload};
      if ({name}_tvalid && {name}_tready) begin
        {name}_beats <= {name}_beats + 1;
        if ({name}_packets != 0) $fatal(1, "{name}: a beat after the last one");
        if ({name}_tlast) {name}_packets <= 1;
      end
    end
"""

_LIMIT = 100_000
"""Cycles after which no packet is a fault: a serial selector takes M for each block."""


def _packets(about: Description) -> Iterator[str]:
    assert about.reset
    reset = f"!{about.reset.name}" if about.reset.name.endswith("_n") else about.reset.name
    sinks = [one for one in about.interfaces if not one.master]
    sources = [one for one in about.interfaces if one.master]
    for one in sinks:
        yield from _SINK.format(name=one.name, reset=reset, beats=BEATS, last=BEATS - 1,
                                bytes=one.data_width // 8).splitlines()
        yield ""
    for one in sources:
        yield from _source(one, reset)
        yield ""
    driven = [f"{one.name}_{signal}" for one in sinks for signal in ("tvalid", "tdata", "tlast")]
    driven += [f"{one.name}_tready" for one in sources]
    done = " && ".join(f"{one.name}_packets != 0" for one in sources)
    yield _PROCESS
    yield from _start(about, *driven)
    yield f"    for (int cycle = 0; cycle < {_LIMIT} && !({done}); cycle++) @(posedge clk);"
    yield f'    if (!({done})) $fatal(1, "no packet within {_LIMIT} cycles");'
    yield "    repeat (100) @(posedge clk);"
    if about.parameters["flexible"] == "none":  # else a block may take several beats
        for one in sources:
            yield f"    if ({one.name}_beats != {BEATS})"
            yield f'      $fatal(1, "{one.name}: %0d beats, not {BEATS}", {one.name}_beats);'
    yield from _end(about, "a packet")


def _source(one: Interface, reset: str) -> list[str]:
    parts = [port for signal, port in one.signals.items() if signal not in ("tvalid", "tready")]
    payload = "{" + ", ".join(port.name for port in parts) + "}"
    return _SOURCE.format(name=one.name, reset=reset, payload=payload,
                          high=sum(port.width for port in parts) - 1).splitlines()


def _masks(about: Description) -> Iterator[str]:
    width = next(port.width for port in about.plain if port.name == "scores")
    yield _PROCESS
    yield from _start(about, "scores")
    yield "    repeat (1000) begin"
    yield f"      for (int k = 0; k < {width}; k++) scores[k] = 1'($urandom);"
    yield "      #1;"
    yield f"      if ($countones(mask) != {about.parameters['n']})"
    yield '        $fatal(1, "mask %b of scores %h", mask, scores);'
    yield "    end"
    yield from _end(about, "1000 masks")
