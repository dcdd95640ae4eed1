"""The command: files, tables, and what it refuses."""

import csv
import json

import pytest

from hw.config import Design
from synth.performance.command import UNSEEN, main
from synth.performance.scalesim import COMPUTE, TOPOLOGY
from tests.commands import refused


TINY = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 50}


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    return path


def test_files_hold_every_layer_of_every_phase_and_pattern(model, tmp_path, capsys):
    table = tmp_path / "macros.csv"
    table.write_text("ports,words,bits,area,read_pj,write_pj\n2,64,16,3200,2,3\n")
    lib = "synth/cells/nmforge.lib"
    main(["--model", str(model), "--patterns", "2:4", "4:8", "--tokens", "40", "--max-k", "64",
          "--product-energy", "0.5", "--liberty", lib, "--memories", str(table), "-o",
          str(tmp_path / "out")])
    printed = capsys.readouterr().out
    assert "All linear layers of" in printed
    assert "energy without that of results, row sums, weights: registers" in printed
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "performance.json", "performance.csv", "roofline.png", "prefill_topology.csv",
        "decode_topology.csv", *(f"{phase}_{pattern}_COMPUTE_REPORT.csv"
                                 for phase in ("prefill", "decode") for pattern in ("2_4", "4_8"))}
    runs = json.loads((out / "performance.json").read_text())["runs"]
    rows = list(csv.DictReader((out / "performance.csv").read_text().splitlines()))
    assert len(rows) == sum(len(run["layers"]) for run in runs) == 4 * 8
    for run in runs:
        assert run["cycles"] == sum(layer["cycles"] for layer in run["layers"])
        assert run["energy"]["products"] == pytest.approx(
            0.5 * sum(layer["products"] for layer in run["layers"]))
        assert run["energy"]["activations"] > 0
        assert {"results", "row sums"} <= set(run["energy_without"])
        assert not set(run["energy"]) & set(run["energy_without"])
    assert (out / "prefill_topology.csv").read_text().splitlines()[:2] == [
        TOPOLOGY, "query, 40, 64, 64,"]
    report = (out / "decode_4_8_COMPUTE_REPORT.csv").read_text().splitlines()
    assert report[0] == COMPUTE
    assert len(report) == 9
    assert (out / "roofline.png").read_bytes().startswith(b"\x89PNG")


def test_one_array_runs_all_patterns(model, tmp_path):
    main(["--model", str(model), "--patterns", "2:4", "3:4", "--array", "2:4", "--flexible", "n",
          "--phases", "decode", "-o", str(tmp_path)])
    first, second = json.loads((tmp_path / "performance.json").read_text())["runs"]
    assert first["parameters"]["pattern"] == second["parameters"]["pattern"] == "2:4"
    assert second["layers"][0]["job_steps"] == 2 * first["layers"][0]["job_steps"]


def test_every_parameter_of_the_design_changes_a_figure(model, tmp_path):
    """What changes none is no option."""
    def figures(number, **given):
        words = [word for name, value in given.items()
                 for word in (f"--{name.replace('_', '-')}", str(value)) if value is not True]
        words = [*words, *(f"--{name.replace('_', '-')}" for name, value in given.items()
                           if value is True)]
        main(["--model", str(model), "--patterns", "2:4", "--tokens", "40", "-o",
              str(tmp_path / str(number)), *words])
        runs = json.loads((tmp_path / str(number) / "performance.json").read_text())["runs"]
        return [{**run, "parameters": None} for run in runs]

    kept = [described.name for described in Design.parameters()
            if "accelerator" in described.metadata["designs"] and described.name not in UNSEEN]
    assert set(kept) == set(OTHERS)
    for number, (name, others) in enumerate(OTHERS.items()):
        plain = {key: value for key, value in others.items() if key != name}
        assert figures(f"{number}_with", **others) != figures(number, **plain), name


OTHERS = {
    "selector": {"selector": "serial"}, "stages": {"selector": "radix", "stages": 3},
    "flexible": {"flexible": "n"}, "coefficients": {"coefficients": 4}, "shift": {"shift": "mean"},
    "statistics": {"statistics": True}, "unstructured": {"flexible": "n", "unstructured": True},
    "rows": {"rows": 8}, "columns": {"columns": 8}, "tile": {"tile": 1},
    "accumulator_width": {"accumulator_width": 40}, "max_k": {"max_k": 32},
    "batch_tokens": {"batch_tokens": 8},
    "epilogue_lanes": {"corrected": True, "epilogue_lanes": 4}}
"""Another value of each parameter, and what stands beside it."""


@pytest.mark.parametrize(("arguments", "message"), [
    (["--model", "none"], ("model must be one of llama-2-7b, llama-3.1-8b, qwen2.5-7b, "
                           "gemma-3-4b, or a config.json, not 'none'")),
    (["--phases", "decode", "--tokens", "8"],
     "tokens must be left out without the phase prefill, not '8'"),
    (["--multiplier", "dsp"],
     "arguments must be those that --help lists, not '--multiplier dsp'"),
    (["--memories", "x.csv"], "memories must be left out without liberty, not 'x.csv'"),
    (["--bandwidth", "0"], "bandwidth must be a number above 0, not 0"),
    (["--patterns", "2:4", "1:4", "--array", "2:4"],
     "pattern must be 2:4, as the design has it, not 1:4"),
    (["--liberty", "synth/cells/nmforge.lib"],
     "memories must have energies in pJ, not those of sg13g2, scaled"),
    (["--corrected", "--epilogue-lanes", "0"],
     "epilogue_lanes must be 1 or more for corrected results, not 0"),
])
def test_bad_input_is_one_sentence_and_leaves_no_file(arguments, message, tmp_path, capsys):
    last = refused(main, [*arguments, "-o", tmp_path / "out"], capsys)
    assert last.startswith(f"python -m synth.performance: error: {message}")
    assert not (tmp_path / "out").exists()
