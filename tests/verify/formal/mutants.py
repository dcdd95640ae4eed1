"""Deliberate breaks of generated Verilog, for every property one or more that it must catch."""

import re
from dataclasses import dataclass


__all__ = ["MUTANTS", "MUTANTS_OF_NETLISTS", "MUTANTS_OF_STEPS", "REGISTER", "Mutant", "WrongGate"]


@dataclass(frozen=True)
class Mutant:
    """``pattern`` in the text of a module, named without the top's name, becomes ``replacement``.

    At least one of ``rules`` must be found broken.
    """

    module: str
    pattern: str
    replacement: str
    rules: str

    def __str__(self):
        return f"{self.module} {self.pattern} to {self.replacement}"

    def __call__(self, text):
        """The text of a design, broken."""
        name = rf"(?:claim_{self.module}\w*|\\claim\.inside\.{self.module}(?:\$\d+)? )"
        broken, count = re.subn(rf"^module {name}\(.*?^endmodule$", self._break, text,
                                flags=re.M | re.S)
        assert count, f"no module {self.module}"
        assert broken != text, f"nothing to break in {self.module}"
        return broken

    def _break(self, module):
        return re.sub(self.pattern, self.replacement, module[0])


@dataclass(frozen=True)
class WrongGate:
    """The gate ``number`` of each module of a netlist, counted from its end, gives the inverse."""

    number: int
    rules: str = "follows"

    def __call__(self, text):
        """The BLIF of a module, broken where it has so many gates."""
        gates = list(re.finditer(r"^(\.names(?: n\S+){3,})\n((?:[01]+ 1\n)*)", text, re.M))
        if self.number >= len(gates):
            return text
        gate = gates[-1 - self.number]
        inputs = len(gate[1].split()) - 2
        rows = {f"{state:0{inputs}b} 1" for state in range(1 << inputs)} - {*gate[2].splitlines()}
        return (text[:gate.start(2)] + "".join(f"{row}\n" for row in sorted(rows))
                + text[gate.end(2):])


REGISTER = [
    Mutant("stream_register", r"i__ready = o__ready \| .*;", "i__ready = 1'h1;", "stays order"),
    Mutant("stream_register", r"i__ready = o__ready \| .*;", "i__ready = 1'h0;", "taken"),
    Mutant("stream_register", r"o__valid <= .*;", "o__valid <= 1'h1;", "owed"),
    Mutant("stream_register", r"o__valid <= .*;", "o__valid <= 1'h0;", "offered"),
    Mutant("stream_register", r"o__payload <= (.*);", r"o__payload <= \1 ^ 1'h1;", "order"),
    Mutant("stream_register", r"= i__ready & i__valid;", "= i__valid;", "stays"),
]
FULL, NEVER, *_ = REGISTER

QUEUE = [
    Mutant("stream_fifo", r"i__ready = .*;", "i__ready = 1'h1;", "order room"),
    Mutant("stream_fifo", r"stored <= .*;", "stored <= 1'h1;", "owed"),
    Mutant("memory", r"cells\[write_address\]", "cells[0]", "order"),
]
"""Of queues of several words."""

BUS = [
    Mutant("register_block", r"bus__arready = .*;", "bus__arready = 1'h1;", "read_stays"),
    Mutant("register_block", r"bus__arready = .*;", "bus__arready = 1'h0;", "takes_reads"),
    Mutant("register_block", r"bus__awready = .*;", "bus__awready = 1'h0;", "takes_writes"),
    Mutant("register_block", r"bus__awready = .*;", "bus__awready = 1'h1;", "written"),
    Mutant("register_block", r"bus__bvalid <= .*;", "bus__bvalid <= 1'h1;", "write_owed"),
    Mutant("register_block", r"bus__bvalid <= .*;", "bus__bvalid <= 1'h0;", "written"),
    Mutant("register_block", r"bus__rvalid <= .*;", "bus__rvalid <= 1'h1;", "read_owed"),
    Mutant("register_block", r"bus__rvalid <= .*;", "bus__rvalid <= 1'h0;", "read"),
    Mutant("register_block", r"bus__bresp <= (.*);", r"bus__bresp <= ~bus__bresp;", "write_stays"),
    Mutant("register_block", r"bus__rresp <= (.*);", "bus__rresp <= 2'h1;", "responses"),
]
CONTENTS = [
    Mutant("register_block", r"word <= (.*);", r"word <= \1 ^ 32'h1;", "keeps"),
    Mutant("register_block", r"if \(registers__locked\)", "if (1'h0)", "locked"),
    Mutant("register_block", r"bus__rresp <= .*;", "bus__rresp <= 2'h0;", "map"),
]
BURSTS = [
    Mutant("bursts", r"= (\d+'h\w+) - \{.*;", "= -1;", "region"),
    Mutant("bursts", r"o__valid = .*;", "o__valid = 1'h1;", "covers offered"),
    Mutant("bursts", r"o__valid = .*;", "o__valid = 1'h0;", "offered"),
    Mutant("bursts", r"<= (\S+) ;", r"<= ~\1 ;", "covers"),
    Mutant("bursts", r"assign i__ready = .*;", "assign i__ready = 1'h1;", "stays"),
]
READS = [
    FULL, Mutant("stream_register", r"o__valid <= .*;", "o__valid <= ~ o__valid;", "reset"),
    Mutant("read_port", r"room = .*;", "room = 1'h1;", "flying"),
    Mutant("read_port", r"bus__arburst = .*;", "bus__arburst = 2'h2;", "burst"),
    Mutant("read_port", r"bus__rready = .*;", "bus__rready = 1'h0;", "takes"),
]
WRITES = [
    Mutant("writer", r"begins = .*;", "begins = 1'h1;", "address_stays"),
    Mutant("writer", r"bus__wvalid = .*;", "bus__wvalid = 1'h1;", "reset owed"),
    Mutant("writer", r"bus__wlast = .*;", "bus__wlast = bus__wready;", "data_stay"),
    Mutant("writer", r"bus__wvalid = .*;", "bus__wvalid = 1'h0;", "here"),
    Mutant("writer", r"here <= .*;", "here <= -1;", "here"),
    Mutant("writer", r"bus__wlast = .*;", "bus__wlast = 1'h1;", "last"),
    Mutant("writer", r"bus__awsize = .*;", "bus__awsize = 3'h0;", "burst"),
    Mutant("writer", r"( != )4'h8;", r"\g<1>4'hf;", "flying"),
    Mutant("writer", r"bus__bready = .*;", "bus__bready = 1'h0;", "takes"),
]
FEEDING = [
    Mutant("stepper", r"\\\$16  = .*;", r"\\$16  = 1'h1;", "weights_there"),
    Mutant("stepper", r"\\\$10  = .*;", r"\\$10  = 1'h1;", "tokens_there"),
    Mutant("activations", r"i__ready = .*;", "i__ready = active;", "tokens_room"),
    Mutant("weights", r"enable = .*;", "enable = active;", "weights_room weights_right"),
    Mutant(r"activations\.bank_r0", r"cells\[write_address\]", "cells[0]", "tokens_right"),
    Mutant(r"weights\S*\.bank_c0", r"cells\[\{.*\}\] <=", "cells[0] <=", "weights_right"),
    Mutant("stepper", r"go = .*;", "go = 1'h0;", "goes_on"),
    Mutant("controller", r"& drained;", "& 1'h0;", "ends"),
    Mutant("controller", r"refusal == 4'h0", "refusal != 4'h1", "legal ends"),
    Mutant(r"stepper\.passes", r"(tiles_left - )32'd1", r"\g<1>32'd0", "falls weights_walk"),
]
STEPS = [
    Mutant("steps", r"rest = .*;", "rest = 1'h0;", "whole steps"),
    Mutant("steps", r"lane0_takes0 = .*;", "lane0_takes0 = 1'h1;", "whole legal"),
    Mutant("steps", r"lane1_takes2 = .*;", "lane1_takes2 = 1'h0;", "legal"),
    Mutant("steps", r"(\S+  = done \+ )3'h1;", r"\g<1>3'h2;", "steps"),
]
GATHER = [Mutant("stage_", r"selects\[0\]", "selects[1]", "window")]
CODECS = {
    **{name: [Mutant(f"{name}_decoder", r"legal = .*;", "legal = 1'h1;", "known"),
              Mutant(f"{name}_decoder", r"legal = .*;", "legal = 1'h0;", "round")]
       for name in ("bitmask", "index")},
    "rank": [Mutant("rank_encoder", r"code = (.*);", r"code = (\1) + 1'h1;", "round known")],
}

MUTANTS = {
    "register of 8 bits": REGISTER,
    **{f"FIFO of {depth}": QUEUE for depth in (2, 3, 4, 8)},
    "FIFO of 1": QUEUE[:2],
    **{f"token buffer of {size}": [
        Mutant("token_buffer", r"assign i__ready = .*;", "assign i__ready = 1'h1;", "order room")]
       for size in ("2, 1 pass", "3, 1 pass", "2, 2 passes", "3, 2 passes", "2, 5 passes")},
    **{f"gather {name}": GATHER for name in ("window", "butterfly")},
    **{f"codec {name}": mutants for name, mutants in CODECS.items()},
    **{f"select selector={name}": [FULL] for name in ("rank", "radix", "network",
                                                      "radix stages=4")},
    "select selector=serial": [
        Mutant("serial_stage", r"assign i__ready = .*;", "assign i__ready = 1'h1;", "order"),
        Mutant("serial_stage", r"assign o__valid = .*;", "assign o__valid = 1'h0;", "offered")],
    **{name: [FULL] for name in ("compact", "finish statistics=True", "score shift=scalar",
                                 "compressor", "decompressor", "decompressor encoding=rank")},
    "channel shift=channel coefficients=2": [FULL, NEVER],
    "largest of 2 blocks": [
        Mutant("shared_largest", r"assign i__ready = .*;", "assign i__ready = 1'h1;", "order room"),
        Mutant("shared_largest", r"o__valid = .*;", "o__valid = 1'h1;", "owed")],
    **{name: [FULL] for name in (
        "quantize fp8_e4m3", "quantize mxfp4", "quantize nvfp4", "round accumulator=exact",
        "round accumulator=fp32", "tensor scale", "lane of floats activation=none",
        "lane of floats activation=gelu", "lane shift=mean statistics=True")},
    **{f"bursts of {name}": BURSTS for name in ("act", "weight", "result")},
    "reads": READS, "writes": WRITES,
    "feeding of the accelerator 2 x 2": FEEDING,
    "AXI4-Lite of the register block": BUS,
    "contents of the register block": CONTENTS,
    **{f"m_axis of the {name}": [FULL] for name in ("compressor", "decompressor")},
    "m_axis of the selector": [
        Mutant("serial_stage", r"assign i__ready = .*;", "assign i__ready = 1'h1;", "stays")],
    # A full register takes a whole job to come to; one that gives up needs none.
    "m_axis_result of the accelerator 1 x 1": [
        Mutant("stream_register", r"o__valid <= .*;", "o__valid <= ~ o__valid;", "stays reset")],
    "s_axil of the accelerator 1 x 1": BUS[:1],
}
"""By the subject of a property; that of its masks apart from the rest."""

MUTANTS_OF_NETLISTS = [WrongGate(0), WrongGate(9)]
"""Of designs with at least ten gates in one module."""

MUTANTS_OF_STEPS = {"stages": [
    Mutant("steps", r"assign i__ready = .*;", "assign i__ready = 1'h1;", "order")], "masks": STEPS}
"""By the group of a property of the steps."""
