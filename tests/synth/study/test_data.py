"""Studies as files, and what becomes of several; rows of accuracy and of designs."""

import json
from dataclasses import replace

import pytest

from synth.study.accuracy import evaluated, published
from synth.study.data import Study, merged, read
from synth.study.designs import design_row
from tests.synth.study.small import design, small


def test_a_study_is_what_was_written(tmp_path):
    path = tmp_path / "study.json"
    path.write_text(small().as_json())
    assert read(path) == small()
    assert read(path).as_json() == path.read_text()


@pytest.mark.parametrize(("change", "reason"), [
    (lambda held: held["designs"][3].pop("pattern"), "designs[3] has no pattern"),
    (lambda held: held["designs"][0].update(design=7), "designs[0] has design 7"),
    (lambda held: held["accuracy"][1].update(lost="much"), "accuracy[1] has lost 'much'"),
    (lambda held: held["tokens"].append(1), "tokens[8] is no object"),
    (lambda held: held.pop("missing"), "missing is no dict"),
    (lambda held: held.update(designs={}), "designs is no list"),
])
def test_what_is_wrong_in_a_file_is_named(tmp_path, change, reason):
    held = json.loads(small().as_json())
    change(held)
    path = tmp_path / "study.json"
    path.write_text(json.dumps(held))
    with pytest.raises(ValueError, match=r"^from must be study[.]json of a study, not ") as caught:
        read(path)
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"designs": 1}', 100_000 * "["])
def test_files_of_something_else_are_refused(tmp_path, text):
    path = tmp_path / "study.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"^from must be study[.]json of a study, not "):
        read(path)


def test_studies_become_one_and_nothing_stands_twice():
    one = Study(designs=[design("2:4", 700.0), design("8:16", 620.0)],
                missing={"energy": "no LEF", "tokens": "not asked for"})
    one.designs[0]["energy"] = one.designs[1]["energy"] = None
    two = Study(designs=[design("8:16", 600.0), design("2:4", 800.0, technology="other")],
                versions={"nmforge": "2"})
    whole = merged([one, two])
    assert [(row["pattern"], row["area"]) for row in whole.designs] == [
        ("2:4", 700.0), ("8:16", 600.0), ("2:4", 800.0)]
    assert whole.missing == {"tokens": "not asked for"}
    assert whole.versions == {"nmforge": "2"}
    assert merged([small(), small()]) == small()


def test_energies_are_not_lost_to_a_study_without():
    with_energy, without = design("8:16", 620.0), design("8:16", 600.0, energy=None)
    row, = merged([Study(designs=[with_energy]), Study(designs=[without])]).designs
    assert row["area"] == 600.0
    assert row["energy"] == with_energy["energy"]


def results(folder):
    """What ``sw.evaluate`` writes, for two windows."""
    def row(pattern, losses, **more):
        return {"pattern": pattern, "criterion": "act", "corrections": "", "integer": False,
                "score": 12.0, "losses": losses, "layers": {}, "coverage": {}, **more}

    held = {"model": "decoder", "measure": "perplexity", "count": 2,
            "dense": {"score": 10.0, "losses": [2.0, 3.0], "tasks": {"easy": 0.75}},
            "rows": [row("2:4", [2.5, 3.7], tasks={"easy": 0.5}),
                     row("8:16", [2.1, 3.1], corrections="d-pts+var", integer=True),
                     row("1:4", [float("inf"), 3.0]),
                     row("8:16", [2.2, 3.3], format="mxfp4", selection="after")]}
    path = folder / "results.json"
    path.write_text(json.dumps(held))
    return path


def test_losses_are_paired_and_tasks_are_rows(tmp_path):
    rows = evaluated(results(tmp_path))
    assert [(row["pattern"], row["method"], row["format"], row["metric"]) for row in rows] == [
        ("2:4", "act", "float", "perplexity"), ("2:4", "act", "float", "easy"),
        ("8:16", "act d-pts+var", "int8", "perplexity"), ("1:4", "act", "float", "perplexity"),
        ("8:16", "act", "mxfp4 after", "perplexity")]
    assert rows[0]["lost"] == pytest.approx(0.6)
    assert rows[0]["error"] == pytest.approx(0.1)
    assert rows[0]["unit"] == "nats a token"
    assert (rows[1]["value"], rows[1]["lost"]) == (0.5, 0.25)
    assert rows[3]["lost"] is None
    assert rows[0]["source"].startswith(f"sw.evaluate, {tmp_path.name}/results.json ")


@pytest.mark.parametrize("change", [
    lambda held: held.update(model=float("nan")), lambda held: held.update(measure=["x"]),
    lambda held: held["rows"][0].update(criterion=1), lambda held: held.update(rows=[]),
    lambda held: held["rows"][0].update(score="x"),
    lambda held: held["rows"][0].update(losses=[10 ** 400, 1.0]),
    lambda held: held["rows"][0].update(tasks={"easy": None}),
])
def test_values_that_are_no_results_are_refused(tmp_path, change):
    path = results(tmp_path)
    held = json.loads(path.read_text())
    change(held)
    path.write_text(json.dumps(held))
    with pytest.raises(ValueError, match=r"^accuracy must be results[.]json of sw[.]evaluate, "):
        evaluated(path)


@pytest.mark.parametrize("text", ["{}", "[]", '{"rows": [{}], "dense": {}}', "no", 100_000 * "["])
def test_other_files_are_no_results(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"^accuracy must be results[.]json of sw[.]evaluate, "):
        evaluated(path)


def test_published_figures_have_their_sources_and_fit_a_study(tmp_path):
    rows = published()
    assert len(rows) > 10
    assert all("arXiv 2509.22166" in row["source"] or "authors' repository" in row["source"]
               for row in rows)
    assert {row["pattern"]: row["lost"] for row in rows if row["lost"] is not None} == {
        "2:4": 1.0, "8:16": 0.5, "16:32": 0.37}
    path = tmp_path / "study.json"
    path.write_text(replace(small(), accuracy=rows).as_json())
    assert read(path).accuracy == rows


def test_a_row_of_a_sweep_becomes_one_of_the_study():
    parameters = {"pattern": "8:16", "format": "int8", "selector": "radix", "rows": 2,
                  "columns": 8}
    modules = {"nm_accelerator": {"area": 0.0, "registers": 0.0,
                                  "children": {"nm_accelerator_radix_selector": 2}},
               "nm_accelerator_radix_selector": {"area": 50.0, "registers": 10.0, "children": {}}}
    row = design_row({
        "library": "cells", "target": "asic", "goal": "area", "design": "accelerator",
        "parameters": parameters, "area": 100.0, "gates": 50.0, "delay": 3.0, "flip_flops": 4,
        "memory_bits": 8, "modules": modules, "logic": 100.0, "memory": 30.0, "whole": 130.0,
        "overhead_percent": 12.0, "throughput_per_area": 1.8, "status": "done", "reason": None,
        "digest": "d", "energy": {"unit": "pJ", "per": "product", "mean": 0.5, "percent": 2.0,
                                  "settled_mean": 0.3, "parts": {"gather": [0.1, 0.05]}}})
    assert row["products"] == 2 * 8 * 16
    assert row["parameters"] == {"selector": "radix", "rows": 2, "columns": 8}
    assert row["parts"] == {"selector": 80.0, "registers": 20.0, "memories": 30.0}
    assert row["energy"] == {"product": 0.5, "percent": 2.0, "settled": 0.3, "unit": "pJ",
                             "memory": None, "whole": None, "parts": {"gather": 0.1}}


def test_a_design_that_was_given_up_is_a_row_with_its_reason():
    row = design_row({"library": "cells", "goal": "area", "design": "pe", "area": None,
                      "parameters": {"pattern": "8:8"}, "status": "timeout", "reason": "late"})
    assert (row["status"], row["reason"], row["parts"], row["gates"]) == ("timeout", "late", {},
                                                                          None)
