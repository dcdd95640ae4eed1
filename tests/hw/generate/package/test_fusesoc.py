"""The core files, run by FuseSoC."""

import subprocess
import sys

import pytest
import yaml

from hw.config import Design, Pattern
from hw.generate import generate
from hw.generate.package import Packaging


def fusesoc(folder, environment, *words):
    return subprocess.run(
        [sys.executable, "-m", "fusesoc.main", "--cores-root", ".", *words], cwd=folder,
        env=environment, capture_output=True, text=True, check=False)


def test_targets(project):
    targets = {name: set(yaml.safe_load((project / f"{name}.core").read_text())["targets"])
               for name in ("mine", "other")}
    assert list(targets.values()) == [{"default", "lint", "interfaces", "sim"}] * 2


@pytest.mark.parametrize("target", ["lint", "interfaces"])
@pytest.mark.parametrize("name", ["other", pytest.param("mine", marks=pytest.mark.long)])
def test_lint_of_one_of_two_cores(project, name, target, verilator, tmp_path):
    for path in project.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    done = fusesoc(tmp_path, verilator, "run", "--target", target, f"nmforge:hw:{name}")
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize(("name", "design", "passed"), [
    ("accelerator", Design(Pattern(1, 2), rows=1, columns=2, tile=1, batch_tokens=1, max_k=2),
     "21 registers"),
    ("compressor", Design(Pattern(2, 4), coefficients=4, shift="mean", statistics=True,
                          pad_streams=True, max_k=64), "a packet"),
    ("compressor", Design(Pattern(2, 8), selector="serial", flexible="all", max_k=64,
                          reset="active_low"), "a packet"),
    ("selector", Design(Pattern(3, 8)), "1000 masks"),
    ("decompressor", Design(Pattern(2, 4), encoding="rank"), "a packet"),
], ids=["accelerator", "compressor", "flexible", "selector", "decompressor"])
def test_simulation_passes_and_sees_a_fault(name, design, passed, verilator, tmp_path):
    generate(name, design, tmp_path, packaging=Packaging(8.0))
    core = f"nmforge:hw:nm_{name}"
    done = fusesoc(tmp_path, verilator, "run", "--target", "sim", core)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"nm_{name}_bench: passed, {passed}" in done.stdout
    if name in ("accelerator", "selector", "decompressor"):
        path = tmp_path / f"nm_{name}_bench.sv"
        text = path.read_text()
        wrong = {"accelerator": ("32'h4E4D4647", "32'h4E4D4648"),
                 "selector": ("$countones(mask) != 3", "$countones(mask) != 4"),
                 "decompressor": ("_sent == 15", "_sent == 14")}[name]
        assert wrong[0] in text
        path.write_text(text.replace(*wrong))
        done = fusesoc(tmp_path, verilator, "run", "--target", "sim", core)
        assert done.returncode != 0
        assert "%Fatal" in done.stdout + done.stderr
