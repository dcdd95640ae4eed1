"""Commands and code of the documentation: read by their parsers, and run in short."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from synth.flow import CELLS
from tests.commands import ROOT, module_of, override
from tests.test_docs import PAGES, PYTHON, names


INDENTED = re.compile(r"^    ((?:.*\\\n +)*.*)$", re.M)
INLINE = re.compile(r"`(python -m [^`]+)`")
COMMAND = re.compile(r"python -m ((?:hw|sw|sim|synth|verify)\.[\w.]+)(.*)")

SIZES = CELLS.with_suffix(".lef")
FILES = {"FILE": CELLS, "my_cells.lib.gz": CELLS, "sky130hd_tt.lib.gz": CELLS,
         "tech.lef.gz": SIZES, "cells.lef.gz": SIZES,
         "sky130hd_tech.lef.gz": SIZES, "sky130hd_cells.lef.gz": SIZES,
         "space.toml": ROOT / "tests" / "synth" / "sweep" / "space.toml",
         "formats.toml": ROOT / "tests" / "synth" / "sweep" / "pe.toml",
         "multipliers.toml": ROOT / "tests" / "synth" / "sweep" / "pe.toml",
         "pairs.toml": ROOT / "tests" / "synth" / "sweep" / "pe.toml"}
"""What stands for names of files in a command."""

SHORT = {
    "hw.generate": [],
    "hw.header": [],
    "sim.layer": ["--rows", "2", "--columns", "2", "--epilogue-lanes", "0"],
    "sim.layer --patterns": ["--rows", "2", "--columns", "2"],  # floats have an epilogue
    "sim.model": ["--patterns", "8:16", "--rows", "2", "--columns", "2"],
    "sim.patterns": ["--tokens", "5", "--features", "64", "--outputs", "4", "--patterns", "2:4",
                     "--array", "2:8", "--rows", "2", "--columns", "2", "--max-k", "64"],
    "sim.selectors": ["--blocks", "1000", "--patterns", "2:4"],
    "sim.soak": ["--blocks", "1000", "--job-blocks", "0", "--patterns", "2:4"],
    "sim.system": ["--patterns", "8:16", "--rows", "2", "--columns", "2", "--epilogue-lanes", "0"],
    "sim.system --formats": ["--formats", "fp8_e4m3", "--patterns", "4:8", "--rows", "2",
                             "--columns", "2"],
    "sim.system --master": None,  # minutes of what a core does one by one
    "sw.benchmark": ["--size", "64", "--rounds", "1"],
    "sw.calibrate": ["--count", "1", "--length", "32"],
    "sw.evaluate": ["--count", "2", "--calibration", "2", "--patterns", "8:16"],
    "sw.decoder.train": None,  # half an hour
    "sw.operands": [],
    "synth.cells.make": [],
    "synth.energy": ["--patterns", "2:4", "--inputs", "gaussian", "--seeds", "1", "--cycles", "20"],
    "synth.fpga": ["--patterns", "2:4", "--designs", "array", "--rows", "1", "--columns", "1"],
    "synth.measure": None,  # a minute for each of its 36 selectors
    "synth.performance": ["--tokens", "64"],
    "synth.ratios": ["--patterns", "2:4", "--selectors-only"],
    "synth.ratios --accelerators": ["--patterns", "2:4", "--accelerators", "1", "--batches", "2",
                                    "--max-k", "64"],
    "synth.report": ["--patterns", "4:8"],
    "synth.report --designs": ["--selectors", "serial", "--variants", "quantize=nvfp4"],
    "synth.report --format": ["--selectors", "serial", "--variants", "quantize=mxfp4"],
    "synth.study": ["--patterns", "2:4", "--designs", "pe", "--parts", "area"],
    "synth.sweep": [],
    "verify.coverage": ["--designs", "decompressor", "--pattern", "2:4"],
    "verify.formal": ["--groups", "registers"],
    "verify.mutate": ["--components", "selector-radix", "--mutants", "10"],
    "verify.fuzz": ["--targets", "names", "--cases", "20", "--processes", "0"],
}
"""What makes a command short, in the place of the same options; by its name, or by that and its
first option."""


def short(name, words):
    """What makes this command short; None if nothing does."""
    return SHORT.get(" ".join((name, *words[:1])), SHORT[name])


def commands():
    """Every command of a page that is complete, as words."""
    found = {}
    for page in PAGES:
        text = PYTHON.sub("", page.read_text())
        for line in (*INDENTED.findall(text), *INLINE.findall(text)):
            line = line.replace("\\\n", " ")
            if match := COMMAND.search(line):
                words = shlex.split(match[2])
                if words or match[1] in ("sim.patterns", "sim.selectors", "hw.header"):
                    found[" ".join((match[1], *words))] = (match[1], words)
    return found


@pytest.mark.parametrize("command", commands())
def test_commands_are_taken_by_their_parsers(command, monkeypatch):
    name, words = commands()[command]
    module = importlib.import_module(module_of(name))
    seen = []
    monkeypatch.setattr(module, "run", lambda parser, work, argv: seen.append(
        parser.parse_args(argv)))
    if words == ["--help"]:
        with pytest.raises(SystemExit) as caught:
            module.main(words)
        assert caught.value.code == 0
        return
    module.main(words)
    assert seen
    assert "..." not in words


def run(words, cwd):
    done = subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.parametrize("command", [command for command, given in commands().items()
                                     if short(*given) is not None])
def test_commands_run_in_short(command, tmp_path):
    name, words = commands()[command]
    shared = ROOT / "build"
    if shared.exists():  # models that are built already
        (tmp_path / "build").symlink_to(shared.resolve())
    output = ["-o", str(tmp_path / "out" / "file")] if "-o" in words else []
    words = [str(FILES.get(word, word)) for word in words]
    run(["-m", name, *override(words, [*short(name, words), *output])], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("page", [name for name in names(PAGES)
                                  if PYTHON.search((ROOT / name).read_text())])
def test_code_runs(page, tmp_path):
    text = (ROOT / page).read_text()
    if "build/learned.pt" in text:
        words = next(words for name, words in commands().values() if name == "sw.calibrate")
        run(["-m", "sw.calibrate", *override(words, SHORT["sw.calibrate"])], tmp_path)
    shutil.copy(CELLS, tmp_path / "my_cells.lib.gz")
    for block in PYTHON.findall(text):
        run(["-c", block], tmp_path)
