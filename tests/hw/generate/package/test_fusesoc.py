"""The core files, run by FuseSoC."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from hw.config import Design, Pattern
from hw.generate import generate
from hw.generate.package import Packaging
from hw.registers import BUS_REGISTERS, REGISTERS
from tests.hw.generate.package.shells import ACCELERATOR


def fusesoc(folder, environment, *words):
    return subprocess.run(
        [sys.executable, "-m", "fusesoc.main", "--cores-root", ".", *words], cwd=folder,
        env=environment, capture_output=True, text=True, check=False)


def test_targets(project):
    targets = {name: set(yaml.safe_load((project / f"{name}.core").read_text())["targets"])
               for name in ("mine", "other")}
    assert list(targets.values()) == [{"default", "lint", "interfaces", "sim"}] * 2


@pytest.mark.parametrize("target", ["lint", "interfaces"])
def test_lint_of_one_of_two_cores(project, target, verilator, tmp_path):
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    done = fusesoc(tmp_path, verilator, "run", "--target", target, "nmforge:hw:other")
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize(("name", "design", "passed"), [
    ("accelerator", ACCELERATOR, f"{len(REGISTERS)} registers"),
    ("accelerator", replace(ACCELERATOR, bus="axi4"),
     f"{len((*REGISTERS, *BUS_REGISTERS))} registers"),
    ("compressor", Design(Pattern(2, 4), coefficients=4, shift="mean", statistics=True,
                          pad_streams=True, max_k=64), "a packet"),
    ("compressor", Design(Pattern(2, 8), selector="serial", flexible="all", max_k=64,
                          reset="active_low"), "a packet"),
    ("selector", Design(Pattern(3, 8)), "1000 masks"),
    ("decompressor", Design(Pattern(2, 4), encoding="rank"), "a packet"),
], ids=["accelerator", "axi4", "compressor", "flexible", "selector", "decompressor"])
def test_simulation_passes_and_sees_a_fault(name, design, passed, verilator, tmp_path):
    generate(name, design, tmp_path, packaging=Packaging(8.0))
    core = f"nmforge:hw:nm_{name}"
    done = fusesoc(tmp_path, verilator, "run", "--target", "sim", core)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"nm_{name}_bench: passed, {passed}" in done.stdout
    for target in ("lint", "interfaces")[:1 + (tmp_path / f"nm_{name}_interfaces.sv").exists()]:
        done = fusesoc(tmp_path, verilator, "run", "--target", target, core)
        assert done.returncode == 0, done.stderr
        assert "%Warning" not in done.stdout + done.stderr
    if design == ACCELERATOR or name in ("selector", "decompressor"):
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
