"""No option of a command is taken that changes nothing: every one is in a table here.

An option either always has an effect, or it is refused, by its name, where it has none. One that is
new fails until it stands in one of the tables.
"""

import sys

import pytest

from hw.config import Design
from synth.scripts import CELLS
from tests.commands import refused
from tests.hw.command.test_commands import COMMANDS, NEEDED, main_of


ALWAYS = {
    "hw.generate": "n m pattern design output name timescale package",
    "hw.header": "output",
    "sim.layer": "sentence file patterns layer formats",
    "sim.model": "sentence file patterns layer corrections criterion array",
    "sim.patterns": "array patterns kept tokens features outputs seed",
    "sim.selectors": "patterns selectors blocks",
    "sim.soak": "blocks job_blocks workers output",
    "sim.system": "sentence file patterns layer model master formats latency",
    "sw.benchmark": "patterns size rounds device",
    "sw.calibrate": "output model device pattern criterion corrections layers ignore text count "
                    "epochs rate seed",
    "sw.decoder.train": "steps seed output checkpoint",
    # What calibrates is of the folder: rows that are added to it must be of the same.
    "sw.evaluate": "output model device patterns paper integer formats layers ignore text count "
                   "calibration_text calibration",
    "sw.operands": "output",
    "synth.cells.make": "output",
    "synth.energy": "patterns designs inputs seeds cycles utilisation late output store liberty "
                    "goal workers timeout lef",
    "synth.fpga": "patterns designs targets output clock_ns route workers timeout",
    "synth.measure": "output store liberty goal workers timeout",
    "synth.performance": "model phases patterns array corrected bandwidth clock_ns output "
                         "product_energy byte_energy liberty",
    "synth.ratios": "patterns store liberty goal workers timeout accelerators",
    "synth.report": "patterns designs output store liberty goal workers timeout wires",
    "synth.study": "output from files into accuracy",
    "synth.sweep": "space output store timeout scheduler",
    "verify.coverage": "designs pattern output",
    "verify.formal": "groups timeout output",
    "verify.fuzz": "targets cases processes seed workers",
    "verify.mutate": "components mutants workers output",
}
"""Options that change what comes of a command, or when, whatever stands beside them."""

DENSE = "patterns that keep every value"

IDLE = [
    ("hw.generate", "area", "--area x", "without package"),
    ("hw.generate", "schema", "--schema x", "without package"),
    ("hw.generate", "clock_ns", "--clock-ns 5", "without "),
    ("hw.generate", "throughput", "--throughput 0.5", "without "),
    ("sim.layer", "weights", "--weights int4", "without formats"),
    ("sim.model", "learned", f"--learned {CELLS}", "without a learned correction"),
    ("sim.selectors", "stages", "--selectors serial --stages 3", "without the selector radix"),
    ("sim.soak", "patterns", "--patterns 2:4 4:8 --blocks 1000 --job-blocks 0",
     "blocks must be more for the pattern 4:8 to be run, not 1000"),
    ("sim.system", "bandwidth", "--bandwidth 64 --bus-width 256",
     "bandwidth must be below 64, what a bus of 32 bytes moves both ways, not 64"),
    ("sw.benchmark", "outputs", "--patterns unstructured-50 --outputs 8",
     "without a pattern N:M"),
    ("sw.benchmark", "threads", "--device cuda --threads 2", "on a GPU"),
    ("sw.calibrate", "length", "--model minilm --length 9", "with minilm"),
    ("sw.evaluate", "length", "--model minilm --length 9", "with minilm"),
    ("sw.evaluate", "tasks", "--model minilm --tasks piqa", "with minilm"),
    ("sw.evaluate", "task_folder", "--task-folder x", "without tasks"),
    ("sw.evaluate", "limit", "--limit 3", "without tasks"),
    ("sw.evaluate", "criteria", "--paper --criteria act", "with paper"),
    ("sw.evaluate", "corrections", "--paper --corrections var", "with paper"),
    ("sw.evaluate", "selections", "--selections after", "without a format"),
    ("sw.evaluate", "epochs", "--epochs 3", "without a learned correction"),
    ("sw.evaluate", "rate", "--rate 0.1", "without a learned correction"),
    *(("synth.energy", name, f"--designs pe array --{name} 9", "without the design accelerator")
      for name in ("tokens", "features", "outputs")),
    ("synth.energy", "every_pe", "--every-pe", "without the design array or accelerator"),
    ("synth.energy", "every_pe", "--designs array --rows 1 --columns 2 --every-pe",
     "with one or two PEs"),
    ("synth.fpga", "seed", "--seed 3", "without route"),
    ("synth.performance", "tokens", "--phases decode --tokens 8", "without the phase prefill"),
    ("synth.performance", "sequences", "--phases prefill --sequences 8",
     "without the phase decode"),
    ("synth.performance", "memories", "--memories x", "without liberty"),
    ("synth.performance", "epilogue_lanes", "--epilogue-lanes 2", "without corrected"),
    ("synth.performance", "flexible", "--patterns 4:4 --flexible n", DENSE),
    *(("synth.ratios", name.replace("-", "_"), f"--{name} {value}", "without accelerators")
      for name, value in (("batches", 9), ("max-k", 99), ("pipeline", "gathered"),
                          ("memories", "x"))),
    ("synth.ratios", "selectors_only", "--accelerators 4 --selectors-only", "with accelerators"),
    ("synth.report", "selectors", "--designs pe --selectors rank", "without the designs selector"),
    ("synth.report", "selectors", "--selectors rank --selector radix", "with a selector for all"),
    ("synth.report", "variants", "--designs pe --variants encoding=rank",
     "variants must be of parameters that one of the designs pe has, not 'encoding=rank'"),
    ("synth.report", "memories", "--designs pe compressor --memories x",
     "without a design that has memories"),
    ("synth.report", "lef", "--lef x", "without wires"),
    ("synth.report", "seeds", "--seeds 3", "without wires"),
    *(("synth.study", name, f"--from x --{name} {value}", "with from, which measures nothing")
      for name, value in (("store", "x"), ("workers", 2), ("timeout", 9), ("patterns", "2:4"),
                          ("parts", "area"), ("designs", "pe"))),
    *(("synth.study", name.replace("-", "_"), f"--designs pe array --{name} {value}",
       "without the design accelerator")
      for name, value in (("selectors", "rank"), ("columns", 2), ("products", 64),
                          ("max-k", 64))),
    ("synth.study", "selectors", "--patterns 4:4 --selectors rank", DENSE),
    ("synth.study", "pipelines", "--designs selector --pipelines inputs",
     "without a design that multiplies"),
    ("synth.study", "pipelines", "--patterns 4:4 8:8 --pipelines inputs", DENSE),
    ("synth.study", "formats", "--parts energy --formats int4", "without the part area"),
    ("synth.study", "targets", "--parts energy --targets ecp5", "without the part area"),
    ("synth.study", "libraries", "--parts area --targets ecp5 --libraries x",
     "where nothing is mapped to cells"),
    ("synth.study", "goals", "--designs selector --targets ecp5 --goals delay",
     "where nothing is mapped to cells"),
    ("synth.study", "parts", "--parts area energy --designs selector",
     "designs must hold pe with the part energy, not only selector"),
    ("synth.study", "parts", "--parts tokens",
     "parts must hold area, of the target asic, with tokens"),
    ("synth.study", "parts", "--parts accelerators --designs accelerator",
     "parts must hold area with accelerators"),
    ("synth.study", "patterns", "--designs selector --patterns 4:4",
     "patterns must have N below M for a selector, not only 4:4"),
    ("synth.sweep", "workers", "--scheduler tcp://127.0.0.1:1 --workers 2", "with a scheduler"),
    ("synth.sweep", "figure", "--figure", "out of a space without dense baselines"),
    ("verify.coverage", "layers", "--designs compressor --layers 9",
     "without the design accelerator"),
    ("verify.coverage", "blocks", "--designs accelerator --blocks 700",
     "without the designs compressor and decompressor"),
    ("verify.formal", "patterns", "--groups registers --patterns 2:4",
     "with groups that have none"),
]
"""Options that change nothing beside others: a command, the option, a line, what it is told."""

OUTPUT = {"sw.calibrate": ["-o", "out.pt"], "sw.evaluate": ["-o", "out"]}


def parser_of(name, monkeypatch):
    main, seen = main_of(name), []
    monkeypatch.setattr(sys.modules[main.__module__], "run",
                        lambda parser, work, argv: seen.append(parser))
    main([])
    return seen[0]


def has_designs(parser):
    """Whether parameters of a design are options of a command."""
    return {"tile", "selector"} <= set(parser._defaults_of)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_a_table(name, monkeypatch):
    parser = parser_of(name, monkeypatch)
    options = set(parser._defaults_of)
    if has_designs(parser):
        options -= {described.name for described in Design.parameters()}
    idle = {option for command, option, _, _ in IDLE if command == name}
    assert options <= {*ALWAYS[name].split(), *idle}
    assert {*ALWAYS[name].split(), *idle} <= set(parser._defaults_of)


def line(name, words):
    """A whole command line: what must be given, unless ``words`` have it."""
    needed = NEEDED.get(name, []) if "--patterns" not in words else []
    return [*needed, *OUTPUT.get(name, []), *words.split()]


@pytest.mark.parametrize(("name", "option", "words", "told"), IDLE)
def test_an_option_without_effect_is_refused_by_name(name, option, words, told, capsys, tmp_path,
                                                     monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.simulators.environment.check_environment", lambda: None)
    (tmp_path / "space.toml").write_text('patterns = ["2:4"]\nbaselines = false\n'
                                         'designs = ["selector"]\n')
    last = refused(main_of(name), line(name, words), capsys)
    wanted = told if " must " in told else f"{option} must be left out "
    assert last.startswith(f"python -m {name}: error: {wanted}")
    assert told in last
    assert ", not " in last


@pytest.mark.parametrize("name", COMMANDS)
def test_a_parameter_that_changes_none_of_the_designs_is_refused(name, monkeypatch, capsys,
                                                                 tmp_path):
    """A dense design has no selector; the array of sim.patterns always runs other patterns too."""
    with monkeypatch.context() as patch:
        parser = parser_of(name, patch)
    if not has_designs(parser) or name == "sim.patterns":
        return
    monkeypatch.chdir(tmp_path)
    words = ["--patterns", "4:4", "--selector", "network"]
    if {"design", "designs"} & set(parser._defaults_of):
        words += ["--designs", "accelerator"]
    last = refused(main_of(name), words, capsys)
    assert last == (f"python -m {name}: error: selector must be rank for the pattern 4:4, which "
                    "keeps every value, not 'network'")
    assert not list(tmp_path.iterdir())
