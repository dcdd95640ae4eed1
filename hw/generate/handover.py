"""What goes with the Verilog into other tools: the head of the file, and waivers for linters."""

import re
import textwrap
from collections.abc import Iterator

from hw import VERSION
from hw.config import FORMAT_OPTIONS, Design
from hw.generate.emit import Emitted
from hw.generate.tops import Top


__all__ = ["MEMORY", "check_timescale", "handed_over", "waivers"]


MEMORY = {
    "ports": "one to write, one to read, one clock",
    "read_latency_cycles": 1,
    "read_during_write": "any word: no result depends on a word that is read in the cycle in which "
                         "it is written (this Verilog gives the old one)",
}
"""What all memories have in common, for who replaces them."""

_WIDTH = 96
_TIMES = "(?:1|10|100)(?:s|ms|us|ns|ps|fs)"


def check_timescale(text: str) -> str:
    """Return unit and precision of a ``timescale``, such as ``1ns/1ps``.

    Raises
    ------
    ValueError
        If Verilog does not take them.
    """
    def seconds(time: str) -> int:
        exponents = {"s": 15, "ms": 12, "us": 9, "ns": 6, "ps": 3, "fs": 0}
        return int(time.rstrip("smunpf")) * 10 ** exponents[time.lstrip("10")]

    unit, _, precision = text.partition("/")
    if not re.fullmatch(f"{_TIMES}/{_TIMES}", text) or seconds(unit) < seconds(precision):
        raise ValueError("timescale must be a unit and a precision that is not coarser, each of "
                         f"1, 10 or 100 s, ms, us, ns, ps or fs, as in 1ns/1ps, not {text!r}")
    return text


def handed_over(name: str, module: str, top: Top, emitted: Emitted, timescale: str = "") -> str:
    """Return the Verilog of a design with a comment at its head that says what it is.

    Its memories can be left out by a macro, for macros of a process in their place.
    """
    head = "".join(f" * {line}".rstrip() + "\n" for line in _head(name, module, top.design,
                                                                 emitted))
    text = emitted.text
    for memory in emitted.memories:
        text = re.sub(rf"^module {memory.module}\(.*?^endmodule\n",
                      lambda found: f"`ifndef {_left_out(module)}\n{found[0]}`endif\n", text,
                      flags=re.M | re.S)
    scale = f"`timescale {timescale}\n" * bool(timescale)
    return f"/*\n{head} */\n{scale}\n{text}"


def _left_out(module: str) -> str:
    """The macro that leaves the memories out."""
    return f"{module.upper()}_NO_MEMORIES"


def _head(name: str, module: str, design: Design, emitted: Emitted) -> Iterator[str]:
    # Of a bus that is not there nothing is said, nor of a choice that integers do not have.
    absent = {field.name for field in design.parts()["bus"] if design.bus == "stream"}
    if design.number.integer:
        absent |= {"accumulator", "result_format"}
        absent |= set(FORMAT_OPTIONS) if name == "accelerator" else set()
    absent |= set() if design.multiplied.aligned else {"guard"}
    parameters = [f"{described.name} {getattr(design, described.name)}"
                  for described in design.parameters()
                  if name in described.metadata["designs"] and described.name not in absent]
    yield f"{module}: the design {name} for {design.pattern}, by nmforge {VERSION}."
    yield ""
    yield from textwrap.wrap(f"Parameters: {', '.join(parameters)}.", _WIDTH)
    yield ""
    yield "Lint:"
    yield f"  verilator --lint-only -Wall {module}.vlt {module}.v"
    if not emitted.memories:
        return
    bits = sum(memory.instances * memory.words * memory.bits for memory in emitted.memories)
    yield ""
    yield f"Memories: {bits} bits, each kind a module of its own (see {module}.json)."
    yield "A synthesis that knows no memories makes flip-flops of them. Yosys, without an FPGA:"
    yield (f'  yosys -p "read_verilog {module}.v; blackbox {module}_memory_*; '
           f'synth -top {module}"')
    yield "Yosys for an FPGA, which has block memories:"
    yield f"  yosys -p \"read_verilog {module}.v; synth_ecp5 -top {module}\""
    yield "Vivado:"
    yield f"  read_verilog {module}.v; synth_design -top {module} -part PART"
    yield "An ASIC flow, with modules of the same names and ports around its own memories:"
    yield f"  read_hdl -define {_left_out(module)} {{{module}.v memories.v}}"


def waivers(module: str) -> str:
    """Return Verilator's configuration for a design: what its lint need not say, and why."""
    lines = [f"// Waivers for {module}.v: verilator --lint-only -Wall {module}.vlt {module}.v",
             "`verilator_config"]
    for rule, reason in _WAIVED.items():
        lines += [f"// {reason}", f'lint_off -rule {rule} -file "*{module}.v"']
    return "\n".join(lines) + "\n"


_WAIVED = {
    "DECLFILENAME": "One file holds all modules of a design.",
    "UNUSEDSIGNAL": "Fields of payloads are wires of their own, to be seen in waveforms; products "
                    "and sums have bits that are cut off; every part has the clock and the reset.",
}
