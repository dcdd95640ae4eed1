"""The evaluation command, on the encoder and on small decoders of the usual architectures."""

import csv
import json
import math
import statistics
from importlib.metadata import version

import pytest
import torch

from hw.formats import QUANTIZED
from sw.calibrate import load_learned
from sw.evaluate import PAPER, main, methods, parser
from sw.evaluation.rows import Evaluation
from sw.evaluation.subjects import Subject
from sw.methods.corrections import CORRECTIONS
from sw.methods.criteria import CRITERIA
from sw.methods.method import Method
from sw.methods.sparse_layer import SparseInputLinear
from tests.commands import override
from tests.sw.methods.tiny import causal, ids


SMALL = ["--model", "minilm", "--patterns", "2:4", "--count", "3", "--calibration", "2",
         "--layers", "*.intermediate.*"]


def test_results_are_written_and_resumed(tmp_path, monkeypatch, capsys):
    arguments = [*SMALL, "--criteria", "act", "weight", "--corrections", "none", "ls",
                 "--integer", "-o", str(tmp_path)]
    main(arguments)
    printed = capsys.readouterr().out
    assert "minilm: cosine, dense 1.0000" in printed
    assert "sparse: 6 of 37 linear layers, " in printed
    held = json.loads((tmp_path / "results.json").read_text())
    rows = held["rows"]
    assert [(row["criterion"], row["corrections"], row["integer"]) for row in rows] == [
        ("act", "", False), ("act", "", True), ("act", "ls", False), ("act", "ls", True),
        ("weight", "", False), ("weight", "", True)]
    for row in rows:
        assert 0.5 < row["score"] < 1
        assert row["score"] == pytest.approx(1 - sum(row["losses"]) / 3)
        assert row["coverage"]["layers"] == {"sparse": 6, "not called": 0, "dense": 31}
        assert row["coverage"]["share"] == pytest.approx(6 * 385 * 1536 / 22.7e6, rel=0.01)
        assert set(row["layers"]) == {f"encoder.layer.{k}.intermediate.dense" for k in range(6)}
    table = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    assert [row["pattern"] for row in table] == ["2:4"] * 6
    assert [row["criterion"] for row in table] == ["act", "weight", "act", "act", "weight",
                                                 "act"]
    assert abs(rows[5]["score"] - rows[4]["score"]) < 0.01
    assert rows[5]["losses"] != rows[4]["losses"]
    differences = [a - b for a, b in zip(rows[0]["losses"], rows[4]["losses"], strict=True)]
    assert float(table[1]["gain"]) == pytest.approx(statistics.fmean(differences))
    assert float(table[1]["gain_error"]) == pytest.approx(
        statistics.stdev(differences) / math.sqrt(3))
    lines = (tmp_path / "results.md").read_text().splitlines()
    assert lines[0].startswith("cosine, dense 1.000; in brackets the gain over act (1 - cosine)")
    losses = [1 - row["score"] for row in rows]
    assert lines[1:5] == [
        "", "| cosine | 2:4 |", "|---|---|",
        f"| act | {rows[0]['score']:.3f} ({float(table[0]['loss_error']):.3f}) |"]
    assert lines[5].startswith(f"| weight | {rows[4]['score']:.3f} ({losses[0] - losses[4]:+.3f}, ")
    assert [line.split(" | ")[0] for line in lines[4:10]] == [
        "| act", "| weight", "| act ls", "| act int8", "| weight int8", "| act ls int8"]
    assert lines[11] == "| loss over dense, 1 - cosine | 2:4 |"
    assert lines[13] == f"| act | {losses[0]:.3f} ({float(table[0]['loss_error']):.3f}) |"
    left_out = [f"left out: weight ls{path} (pruned weights take no corrections)"
                for path in ("", " int8")]
    assert held["left_out"] == left_out == printed.splitlines()[-2:]
    assert lines[-3::2] == left_out
    held_by = {name: version(name) for name in ("torch", "transformers")}
    assert held["versions"] == held_by
    assert lines[-7].startswith("model minilm, length 256, calibration_text library, ")
    assert lines[-7].endswith(", ".join(f"{name} {number}" for name, number in held_by.items()))
    assert lines[-5] == rows[0]["coverage"]["summary"]
    assert lines[-5].startswith("sparse: 6 of 37 linear layers, 15.6% of the parameters (not: ")
    assert {row["layers_sparse"] for row in table} == {str(6 / 37)}
    assert {float(row["parameters_sparse"]) for row in table} == {rows[0]["coverage"]["share"]}
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "learned" / "2x4-act-ls.pt").exists()
    for name in ("row", "measure"):  # nothing may be computed again
        monkeypatch.setattr(Evaluation, name, None)
    main(arguments)
    assert json.loads((tmp_path / "results.json").read_text()) == held
    assert not list(tmp_path.rglob("*.part"))


def test_interrupted_run_goes_on_to_the_same_results(tmp_path, monkeypatch):
    arguments = [*SMALL, "--criteria", "act", "clact", "--corrections", "none", "ls", "-o"]
    main([*arguments, str(tmp_path / "whole")])
    row, done = Evaluation.row, []

    def stop(self, method):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(method)
        return row(self, method)

    monkeypatch.setattr(Evaluation, "row", stop)
    with pytest.raises(SystemExit) as caught:
        main([*arguments, str(tmp_path / "part")])
    assert caught.value.code == 130
    assert len(json.loads((tmp_path / "part" / "results.json").read_text())["rows"]) == 2
    done[:] = []
    main([*arguments, str(tmp_path / "part")])
    assert len(done) == 2
    for name in ("results.json", "results.csv", "results.md"):
        assert (tmp_path / "part" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_patterns_of_layers_and_what_is_ignored_reach_every_row(tmp_path):
    pattern = "*.0.output.dense=4:8+*.output.dense=2:4"
    main([*override(SMALL, ["--layers", "encoder.layer.[0-2].output.dense",
                            "--patterns", "2:4", pattern]),
          "--ignore", "*.layer.1.*", "--corrections", "none", "ls", "--epochs", "1",
          "-o", str(tmp_path)])
    held = json.loads((tmp_path / "results.json").read_text())
    assert held["ignore"] == ["*.layer.1.*"]
    assert [row["pattern"] for row in held["rows"]] == ["2:4", pattern] * 2
    names = [f"encoder.layer.{k}.output.dense" for k in (0, 2)]
    for row in held["rows"]:
        assert list(row["layers"]) == names
        assert row["coverage"]["layers"] == {"sparse": 2, "not called": 0, "dense": 35}
    plain, mixed = (row["layers"] for row in held["rows"][:2])
    assert mixed[names[0]]["snr_db"] > plain[names[0]]["snr_db"]
    assert mixed[names[1]] == plain[names[1]]
    files = list((tmp_path / "learned").glob("*.pt"))
    assert [set(load_learned(path)) for path in files] == [set(names)] * 2
    lines = (tmp_path / "results.md").read_text().splitlines()
    assert lines[2] == f"| cosine | 2:4 | `{pattern}` |"


def test_rows_of_experts_say_what_is_sparse(tmp_path):
    model = causal("mixtral", num_local_experts=4, num_experts_per_tok=2)
    windows = [{"input_ids": ids(40)}]
    subject = Subject(model, windows, windows, "perplexity")
    options = parser().parse_args(["--model", "mixtral", "-o", str(tmp_path)])
    row = Evaluation(subject, options, {}).row(Method("2:4"))
    assert row["coverage"]["layers"] == {"sparse": 24, "not called": 0, "dense": 1}
    assert len(row["layers"]) == 24
    for name in ("gate_up_proj", "down_proj"):
        found = row["layers"][f"model.layers.1.mlp.experts.3.{name}"]
        assert 0 < found["snr_db"] < 20
        assert 0.5 < found["energy_kept"] < 1


def test_damaged_learned_file_is_one_sentence(tmp_path, capsys):
    path = tmp_path / "learned" / "2x4-act-ls.pt"
    path.parent.mkdir()
    path.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(SystemExit) as caught:
        main([*SMALL, "--corrections", "ls", "-o", str(tmp_path)])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"python -m sw.evaluate: error: {path} must be a checkpoint of learned corrections, "
        "not a damaged or foreign file")


def test_energy_is_of_what_is_selected_from():
    torch.manual_seed(0)
    linear, x = torch.nn.Linear(8, 4), torch.tensor([[9.0, 8, 8, 8, -1, 0, 2, 0]])
    for corrections, kept, total in (((), 81 + 64 + 1 + 4, 81 + 3 * 64 + 1 + 4),
                                     (("d-pts",), 49 + 36 + 9 + 4, 49 + 3 * 36 + 9 + 4 + 4)):
        layer = SparseInputLinear(linear, Method("2:4", corrections=corrections))
        assert layer.energy_kept(x) == pytest.approx(kept / total)
    layer = SparseInputLinear(linear, Method("2:4", "weight"))
    squares = linear.weight.square()
    assert layer.energy_kept(x) == pytest.approx(
        ((squares * layer.kept_weights).sum() / squares.sum()).item())


@pytest.mark.parametrize(("arguments", "message"), [
    (["--criteria", "top"], ("criteria must be one of act, clact, amber, wina, variance, weight, "
                             "not 'top'")),
    (["--patterns", "5:4"], "n must be an integer from 1 to 4, not 5"),
    (["--formats", "fp4"], ("formats must be one of none, bf16, fp16, int8, fp8_e4m3, fp8_e5m2, "
                            "mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4, not "
                            "'fp4'")),
    (["--patterns", "3:7", "--format", "mxfp4"],
     ("pattern must be N:M with M a divisor of 32 in mxfp4, whose scales are of 32 values, not "
      "'3:7'")),
    (["--selections", "after"], "selections must be left out without a format, not 'after'"),
    (["--count", "0"], "count must be an integer from 1 to 1048576, not 0"),
    (["--count", "500"], "text must have at least 500 lines, not 133"),
    (["--tasks", "piqa"],
     "tasks must be left out with minilm, which is no causal model, not 'piqa'"),
    (["--ignore", "nothing"], ("ignore must match a linear layer of the model (there are dense, "
                               "key, query, value), not 'nothing'")),
    (["--patterns", "nothing=2:4"], ("pattern must have names that match a layer which becomes "
                                     "sparse, not 'nothing'")),
    (["--layers", "nothing"], ("layers must match a linear layer of the model (there are dense, "
                               "key, query, value), not 'nothing'")),
])
def test_rejects(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main([*override(SMALL, arguments), "-o", str(tmp_path)])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sw.evaluate: error: {message}"
    assert not list(tmp_path.iterdir())


def test_foreign_results_are_not_overwritten(tmp_path, capsys):
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(SystemExit):
        main([*SMALL, "-o", str(tmp_path)])
    assert "must hold results of this command" in capsys.readouterr().err
    assert (tmp_path / "results.json").read_text() == "[]"


def test_formats_are_rows_of_their_own(tmp_path, monkeypatch):
    main([*SMALL, "--formats", "none", "mxfp4", "--selections", "before", "after", "--corrections",
          "none", "sharq", "-o", str(tmp_path)])
    held = json.loads((tmp_path / "results.json").read_text())
    rows = {(row["corrections"], row["format"], row["selection"]): row["score"]
            for row in held["rows"]}
    assert list(rows) == [("", "none", "before"), ("", "mxfp4", "before"), ("", "mxfp4", "after"),
                          ("sharq", "mxfp4", "before")]
    assert rows["", "none", "before"] > rows["", "mxfp4", "before"] > 0.5
    assert rows["sharq", "mxfp4", "before"] > rows["", "none", "before"]
    table = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    assert [(row["format"], row["selection"]) for row in table] == [
        ("none", "before"), ("mxfp4", "before"), ("mxfp4", "before"), ("mxfp4", "after")]
    lines = (tmp_path / "results.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[4:8]] == [
        "| act", "| act mxfp4 before", "| act sharq mxfp4 before", "| act mxfp4 after"]
    assert held["left_out"] == [
        "left out: 2:4 act sharq none before (format must be one of " + ", ".join(QUANTIZED)
        + " with sharq, not 'none')",
        "left out: 2:4 act sharq mxfp4 after (selection must be before with sharq, not 'after')"]
    for field in ("format", "selection"):  # a row without them is of no format
        held["rows"][0].pop(field)
    (tmp_path / "results.json").write_text(json.dumps(held))
    monkeypatch.setattr(Evaluation, "row", None)  # nothing may be computed again
    for more in ([], ["--formats", "mxfp4", "--selections", "after"]):
        main([*SMALL, *more, "-o", str(tmp_path)])


def test_integers_in_a_format_are_named_as_such():
    options = parser().parse_args(["--patterns", "8:16", "--formats", "nvfp4", "--integer",
                                   "-o", "x"])
    found, left_out = methods(options)
    assert [str(method) for method in found] == ["8:16 act nvfp4 before"]
    assert left_out == [("left out: 8:16 act int8 nvfp4 before (format must be none with integer, "
                         "which is int8 already, not 'nvfp4')")]


def test_formats_that_do_not_go_with_patterns_are_named():
    options = parser().parse_args(["--patterns", "8:16", "16:32", "--formats", "nvfp4", "mxfp4",
                                   "-o", "x"])
    found, left_out = methods(options)
    assert [(method.pattern, method.format) for method in found] == [
        ("8:16", "nvfp4"), ("8:16", "mxfp4"), ("16:32", "mxfp4")]
    assert left_out == [
        ("left out: 16:32 act nvfp4 before (pattern must be N:M with M a divisor of 16 in nvfp4, "
         "whose scales are of 16 values, not '16:32')")]


def test_all_of_the_paper():
    options = parser().parse_args(["--paper", "--integer", "--patterns", "2:4", "unstructured-70",
                                   "-o", "x"])
    found, left_out = methods(options)
    assert left_out == []
    assert len(found) == len(set(found)) == 2 * (2 * len(CRITERIA) + 2 + len(PAPER))
    used = {name for method in found for name in method.corrections}
    assert used == set(CORRECTIONS)
    assert {method.criterion for method in found if method.corrections} == {"act"}
    assert {(method.criterion, method.corrections) for method in found if method.integer} == {
        (name, ()) for name in (*CRITERIA, "weight")}
