"""What the commands that simulate refuse, and how they end."""

import signal
import sys
from importlib import import_module

import pytest

from hw.config import Pattern
from sim import layer, model, patterns, selectors, soak, system
from sim.runs.soak.streams import designs
from sim.runs.soak.streams import soak as run_soak
from sim.tests.conftest import wheel  # noqa: F401 - the fixture
from tests.commands import refused, start, wait_for


pytestmark = pytest.mark.usefixtures("wheel")

SMALL = {
    layer: ["Hi.", "--patterns", "4:8", "--rows", "2", "--columns", "4", "--epilogue-lanes", "0"],
    model: ["Hi.", "--patterns", "4:8", "--rows", "2", "--columns", "4"],
    patterns: ["--array", "2:8", "--rows", "2", "--columns", "2", "--tokens", "5", "--features",
               "40", "--outputs", "3", "--max-k", "64", "--patterns", "2:4"],
    selectors: ["--patterns", "2:4", "--selectors", "rank", "--blocks", "100"],
    soak: ["--patterns", "2:4", "--blocks", "1000", "--job-blocks", "0"],
    system: ["Hi.", "--patterns", "4:8", "--rows", "2", "--columns", "4", "--epilogue-lanes", "0"],
}


SIMULATING = {**{command.__name__: (command, words) for command, words in SMALL.items()},
              **{f"verify.{name}": (import_module(f"verify.{name}.command"), ["-o", "out"])
                 for name in ("coverage", "mutate")}}
"""Commands that build models, by their names."""


@pytest.fixture
def nothing_slow(monkeypatch):
    """Whatever does the work cannot be imported: a refusal comes before."""
    for name in ("layer", "model", "patterns", "selectors", "soak", "system"):
        monkeypatch.setitem(sys.modules, f"sim.runs.{name}", None)
    for name in ("torch", "verify.coverage.measure", "verify.mutate.run"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("nothing_slow")
@pytest.mark.parametrize("name", SIMULATING)
def test_no_compiler_is_one_sentence_before_any_work(name, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXX", "no-such-compiler")
    command, words = SIMULATING[name]
    last = refused(command.main, words, capsys)
    assert last == (f"python -m {name}: error: CXX must name a C++ compiler, not "
                    "'no-such-compiler', which is not installed")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("nothing_slow")
@pytest.mark.parametrize("name", SIMULATING)
def test_a_folder_that_cannot_be_written_is_one_sentence_before_any_work(name, monkeypatch, capsys,
                                                                         tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").write_text("")
    command, words = SIMULATING[name]
    last = refused(command.main, words, capsys)
    assert last.startswith(f"python -m {name}: error: working directory must let files "
                           f"be written to build/sim, not {str(tmp_path)!r} (")


@pytest.mark.usefixtures("nothing_slow")
@pytest.mark.parametrize(("missing", "message"), [
    ("find_spec", ("pythondata_cpu_vexriscv must be installed for a core, not missing: "
                   "pip install 'nmforge[core]'")),
    ("shutil.which", ("riscv64-unknown-elf-gcc must be installed for a core, not missing: "
                      "Debian has it in gcc-riscv64-unknown-elf")),
])
def test_what_a_core_lacks_is_named_before_any_work(missing, message, monkeypatch, capsys):
    monkeypatch.setattr(system, "check_environment", lambda: None)
    monkeypatch.setattr(f"sim.core.tools.{missing}", lambda name: None)
    last = refused(system.main, ["--master", "core"], capsys)
    assert last == f"python -m sim.system: error: {message}"


@pytest.mark.parametrize("command", SMALL, ids=lambda command: command.__name__)
@pytest.mark.parametrize(("name", "value", "message"), [
    ("SEED", "abc", "an integer from 1 to 2147483647, not 'abc'"),
    ("SEED", "0", "an integer from 1 to 2147483647, not 0"),
    ("SEED", "-1", "an integer from 1 to 2147483647, not -1"),
    ("SEED", "1.5", "an integer from 1 to 2147483647, not 1.5"),
    ("CELLS", "no.lib", "own or a Liberty file, not 'no.lib'"),
    ("SIM", "foo", "one of verilator, icarus, not 'foo'"),
])
def test_an_environment_of_no_simulation_is_refused_before_anything_is_imported(
        command, name, value, message, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, f"sim.runs.{command.__name__.partition('.')[2]}", None)
    last = refused(command.main, SMALL[command], capsys)
    assert last == f"python -m {command.__name__}: error: {name} must be {message}"


@pytest.mark.parametrize(("command", "words", "message"), [
    (layer, [""], "sentence must be a text, not ''"),
    (model, ["One.", " "], "sentence must be a text, not ' '"),
    (layer, ["word " * 600],
     "sentence must have at most 512 tokens, not 602: 'word word word word '..."),
    (layer, ["--shift", "mean"], "arguments must be those that --help lists, not '--shift'"),
    (model, ["--shift", "mean", "--corrections", "d-pts"],
     "arguments must be those that --help lists, not '--shift'"),
    (model, ["--array", "16:32", "--flexible", "n"],
     "flexible must be left out with an array, which takes every pattern, not 'n'"),
    (model, ["--learned", __file__, "--corrections", "var"],
     f"learned must be left out without a learned correction, not {__file__!r}"),
    (patterns, ["--flexible", "none"],
     "arguments must be those that --help lists, not '--flexible none'"),
    (patterns, ["--kept", "nan"], "kept must be a number above 0 and at most 1, not nan"),
    (selectors, ["--selectors", "rank", "serial", "--stages", "3"],
     "stages must be left out without the selector radix, not '3'"),
    (soak, ["--blocks", "1"], "blocks must be an integer from 1000 to 1000000000, not 1"),
    (soak, ["--job-blocks", "-1"], "job_blocks must be an integer from 0 to 1000000000, not -1"),
    (layer, ["--layer", "-1"], "layer must be an integer from 0 to 5, not -1"),
    (layer, ["--format", "fp16"],
     "arguments must be those that --help lists, not '--format'"),
    (layer, ["--bus", "axi4"], "arguments must be those that --help lists, not '--bus'"),
    (patterns, ["--burst", "4"], "arguments must be those that --help lists, not '--burst 4'"),
    (system, ["--bus", "axi4"], "arguments must be those that --help lists, not '--bus'"),
    (system, ["--pad-streams"], "arguments must be those that --help lists, not '--pad-streams'"),
    (system, ["--latency", "0"], "latency must be an integer from 1 to 10000, not 0"),
    (system, ["--bandwidth", "0"], "bandwidth must be a number above 0.001, not 0"),
    (system, ["--bus-width", "96"], "bus_width must be a power of two, not 96"),
    (system, ["--formats", "mxfp4"], ("m must be 32 with quantize mxfp4, whose scales are of 32 "
                                      "values, not 16")),
    (system, ["--formats", "fp8_e4m3", "--master", "registers"],
     "master must be driver with formats, not 'registers'"),
    (system, ["--formats", "fp8_e4m3", "--decode"],
     "decode must be left out with formats, not True"),
])
def test_what_would_have_no_effect_is_refused(command, words, message, capsys):
    last = refused(command.main, words, capsys)
    assert last == f"python -m {command.__name__}: error: {message}"


def test_stages_are_said_and_taken(capsys):
    with pytest.raises(SystemExit) as caught:
        selectors.main(["--patterns", "2:4", "--selectors", "rank,radix", "--stages", "3",
                        "--blocks", "1000"])
    assert caught.value.code == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2:4 rank: 1000 masks right")
    assert second.startswith("2:4 radix stages=3: 1000 masks right")


def test_dense_streams_are_soaked_without_a_complement():
    dense = designs(Pattern(4, 4))
    assert not any(design.complement for design in dense)
    assert any(design.complement for design in designs(Pattern(2, 4)))
    assert run_soak("compressor", dense[-1], 1000) > 1000


@pytest.mark.parametrize("name", ["compressor", "decompressor"])
def test_both_directions_are_soaked(name):
    assert run_soak(name, designs(Pattern(2, 4))[0], 1000) > 1000


@pytest.mark.long  # without a cache it compiles what all models share
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_ended_leaves_nothing_half_made(tmp_path, number):
    process = start(["sim.selectors", "--patterns", "2:4", "--selectors", "rank"], cwd=tmp_path)
    try:
        wait_for(lambda: list((tmp_path / "build" / "sim").glob("nm_selector*.partial/*.v")), 200)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert (process.returncode, out) == (128 + number, "")
    assert err.splitlines()[-1] == f"python -m sim.selectors: {word}"
    assert "Traceback" not in err
    assert not list((tmp_path / "build" / "sim").glob("*.partial"))
