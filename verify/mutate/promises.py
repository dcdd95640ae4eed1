"""What holds of modules in every state that can be reached, and is proved before it is used.

A mutant that shows in other states only makes no difference, and a proof without them is short: it
needs no invariant but this one.
"""

import re
from dataclasses import dataclass

from hw.accelerator.activation_buffer import activation_address
from hw.accelerator.weight_buffer import weight_address
from hw.command.faults import Fault
from hw.command.files import temporary
from hw.config import Design
from hw.epilogue.tokens import TokenSummary
from synth.flow import yosys
from verify.mutate.rules import BEGINS, KEEPS, OUTPUT, rules
from verify.reachability import gates, search


__all__ = ["INDUCTION", "KEPT", "Promise", "check", "inserted", "ports", "promises"]


KEPT = "promise"
"""Output of a module into which a promise was inserted."""

INDUCTION = "scorr -C 100000; dc2"
"""What ABC does before it searches: what is equal or constant by induction is found, arithmetic
included, for which clauses are no language."""

_TIMEOUT, _YOSYS = 120.0, 600.0
"""Seconds of a proof, of a processor, and of Yosys."""


_DIVIDE, _ROOT, _STEPS = 7, 8, 17
"""States of the gain stage, and steps of a root."""


_PAIRS = "the second column of a row follows the first one at once, into the lane and out of it"
_IN_PAIRS = "(!second || feed || drop) && (!step || comes)"
"""Of an epilogue that takes a row in two steps."""


@dataclass(frozen=True)
class Promise:
    """Something that holds of a module.

    Attributes
    ----------
    module : str
        Its name.
    sentence : str
        What holds.
    wires : dict of str to str
        Ports and registers of it by the names that ``holds`` calls them.
    holds : str
        The same in Verilog. It may not depend on the reset.
    given : str
        What its inputs keep to by what they are, in Verilog with the names of its ports.
    around : str
        The module in which it holds, whatever comes in there; empty for the module alone.
    cells : tuple of str
        What stands in that one, the module among it; what comes from others may be anything.
    """

    module: str
    sentence: str
    wires: dict[str, str]
    holds: str
    given: str = "1"
    around: str = ""
    cells: tuple[str, ...] = ()


def promises(design: Design) -> tuple[Promise, ...]:
    """Promises of the modules of a design, as far as there are such modules."""
    own, last = design.pattern, activation_address(design) + weight_address(design) + 3
    one_pattern = (f"(keep == 0 || keep == {own.n}) && (size == 0 || size == {own.m})"
                   if design.flexible == "none" and not design.unstructured else "1")
    found = [
        Promise("nm_accelerator_register_block",
                "while a job runs, its number of blocks and its pattern are those of a start that "
                "was not refused",
                {"locked": "registers__locked", "blocks": "registers__settings.k_blocks",
                 "keep": "registers__settings.keep", "size": "registers__settings.size"},
                f"!locked || (blocks <= {design.covered_blocks} && {one_pattern})",
                around="nm_accelerator_accelerator", cells=("registers", "controller")),
        Promise("nm_accelerator_gain",
                "the rest of a root is at most twice the root, which is 0 before and has no more "
                "bits than steps were made; all steps of the next one are left between tokens",
                {"root": "root", "left": "left", "state": "fsm_state", "step": "step"},
                f"left <= 2 * root && (state >= {_ROOT} || root == 0) && "
                f"(state >= {_DIVIDE} || step == {2 * _STEPS}) && (state != {_ROOT} || "
                f"(step >= 1 && step <= {_STEPS} && root >> {_STEPS} - step == 0))",
                _moments(design)),
    ]
    if design.corrects and design.row_steps == 2:
        found.append(Promise(
            "nm_accelerator_epilogue", _PAIRS,
            {"second": "$signal$32", "feed": "$signal", "drop": "run__drop", "step": "step$44",
             "comes": "o__valid$39"}, _IN_PAIRS))
    if design.biases and design.row_steps == 2:
        found.append(Promise(
            "nm_accelerator_float_epilogue", _PAIRS,
            {"second": "$signal$31", "feed": "$signal", "drop": "run__drop", "step": "step$49",
             "comes": "o__valid$44"}, _IN_PAIRS))
    if design.row_tiles == design.column_tiles == 2 and not design.variable_steps:
        found.append(Promise(
            "nm_accelerator_stepper",
            "a job begins when the steps of the last one are over; while it runs, halves are left "
            "as their releases are on their way, of weights whenever of activations",
            {"begins": "run__begin", "active": "progress__stepping", "issued": "issue",
             "next": "issue_t0", "tokens": "$signal", "weights": "$signal$26",
             "token_half": "$signal$36", "weight_half": "weight_half",
             "token_oldest": "$signal$46", "weight_oldest": "$signal$47"},
            f"{_leaves('token', 'tokens', last)} && {_leaves('weight', 'weights', last + 1)} && "
            f"(!begins || !(active || issued[{last}] || issued[{last + 1}])) && "
            f"(!issued[{last}] || issued[{last + 1}]) && (!next[{last}] || next[{last + 1}])",
            around="nm_accelerator_accelerator", cells=("registers", "controller", "stepper")))
    return tuple(found)


def _moments(design: Design) -> str:
    """Sums that values can have: of as many as a token has at most, each from -128 to 127."""
    if not design.statistics:
        return "1"
    layout = TokenSummary(design)["moments"].shape
    features = design.max_blocks * design.pattern.m
    terms = [f"features <= {features}"]
    for name, field in layout:
        part = f"i__payload[{field.offset + field.width - 1}:{field.offset}]"
        terms.append(f"{part} <= {features << 14}" if name.endswith("squares") else
                     f"$signed({part}) <= {features << 7} && $signed({part}) >= -{features << 7}")
    return f"(!i__valid || {' && '.join(terms)})"


def _leaves(name: str, leaving: str, bit: int) -> str:
    """Which halves are read for the last time, and not released: as many as that bit is on its way.

    The bit is the release, in the step that is issued and in the one before.
    """
    return (f"(!active || ({name}_half ^ {name}_oldest) == (issued[{bit}] ^ next[{bit}]) && "
            f"{leaving} == (issued[{bit}] && next[{bit}] ? 3 : issued[{bit}] || next[{bit}] ? "
            f"1 << {name}_oldest : 0))")


def inserted(gold: str, promise: Promise) -> tuple[str, str]:
    """RTLIL of a design with a promise as the output :data:`KEPT` of its module, and its Verilog.

    Raises
    ------
    Fault
        If the module has no such wires.
    """
    found = re.search(rf"^module \\{promise.module}\n(.*?)^end$", gold, re.M | re.S)
    assert found is not None, promise.module
    inputs, joined = [], []
    for name, wire in promise.wires.items():
        width = re.search(rf"^  wire (?:width (\d+) )?.*\\{re.escape(wire)}$", found[1], re.M)
        if width is None:
            raise Fault(f"a promise of {promise.module} must be of wires that it has, not {wire}")
        inputs.append(f"input [{int(width[1] or 1) - 1}:0] {name}")
        joined.append(f"    connect \\{name} \\{wire}\n")
    cell = (f"  wire output 99999 \\{KEPT}\n  cell \\{KEPT}_holds \\{KEPT}_cell\n{''.join(joined)}"
            f"    connect \\{KEPT} \\{KEPT}\n  end\n")
    holds = (f"module {KEPT}_holds({', '.join(inputs)}, output {KEPT});\n"
             f"assign {KEPT} = {promise.holds};\nendmodule\n")
    return f"{gold[:found.end(1)]}{cell}{gold[found.end(1):]}", holds


def check(gold: str, promise: Promise) -> None:
    """Prove a promise in a design of RTLIL.

    Raises
    ------
    Fault
        If it does not hold, or that cannot be decided.
    """
    top = promise.around or promise.module
    text, holds = inserted(gold, promise)
    stays = " ".join(f"{top}/c:{name} %d" for name in promise.cells)
    others = f"delete {top}/c:* {top}/t:$* %d {top}/t:{KEPT}_holds %d {stays}"
    with temporary() as folder:
        (folder / "gold.il").write_text(text)
        (folder / "holds.v").write_text(holds)
        # What nobody drives any more may be anything, which is less than unknown.
        yosys.run(["read_rtlil gold.il", "read_verilog holds.v", *[others] * bool(promise.cells),
                   f"hierarchy -top {top}", "flatten",
                   "setundef -undriven -anyseq", f"expose w:*{KEPT}",
                   f"rename {top} gold", "write_rtlil flat.il"], folder, timeout=_YOSYS)
        (folder / "claim.v").write_text(_claim(ports((folder / "flat.il").read_text(), "gold"),
                                               "1" if promise.around else promise.given))
        yosys.run(["read_rtlil flat.il", "read_verilog -formal claim.v", *gates("claim")], folder,
                  timeout=_YOSYS)
        if search(folder, _TIMEOUT, INDUCTION) != {0: None}:
            raise Fault(f"a promise must hold, not fail: {promise.sentence}")


def ports(text: str, module: str) -> dict[str, tuple[str, int]]:
    """Direction and width of every port of a module of RTLIL."""
    found = re.search(rf"^module \\{module}\n(.*?)^end$", text, re.M | re.S)
    assert found is not None, module
    wires = re.findall(r"^  wire (?:width (\d+) )?(?:signed )?(input|output) \d+ "
                       r"(?:signed )?\\(\S+)$", found[1], re.M)
    return {name: (direction, int(width or 1)) for width, direction, name in wires}


def _claim(found: dict[str, tuple[str, int]], given: str) -> str:
    """``broken`` if a promise of the design is, after a first cycle that resets it.

    Inputs that break a rule reset it.
    """
    inputs = {name: width for name, (kind, width) in found.items() if kind == "input"}
    outputs = {name: width for name, (kind, width) in found.items() if kind == "output"}
    kept = [name for name in outputs if name.endswith(KEPT)]
    assert kept, "a promise has no wire"
    pins = [*(f".\\{name} ({BEGINS if name == 'rst' else f'{chr(92)}{name} '})" for name in inputs),
            *(f".\\{name} (\\{OUTPUT}{name} )" for name in outputs)]
    declared = [f"input [{width - 1}:0] \\{name} " for name, width in inputs.items()]
    wires = [f"wire [{width - 1}:0] \\{OUTPUT}{name} ;" for name, width in outputs.items()]
    holds = " && ".join(f"\\{OUTPUT}{name} " for name in kept)
    return "\n".join([
        f"module claim({', '.join(declared)}, output broken);", *wires,
        f"wire {BEGINS} = rst || $initstate || !{KEEPS};", *rules(found, given),
        f"gold held({', '.join(pins)});",
        f"assign broken = !$initstate && {KEEPS} && !({holds});", "endmodule\n"])
