"""Mutants: drawn, told apart by an input, noticed or proved equivalent, and kept."""

import csv
import json
import subprocess
from dataclasses import replace
from io import StringIO
from threading import Event, Timer
from types import SimpleNamespace

import pytest

from hw.command import children
from hw.command.faults import Fault
from synth.flow import yosys
from tests.commands import start
from tests.test_docs import ROOT
from tests.wheel import needs_wheel
from verify.mutate import command, run
from verify.mutate.components import COMPONENTS
from verify.mutate.devices import device
from verify.mutate.make import make, module_of
from verify.mutate.prove import PROOFS, prove
from verify.mutate.report import files, page_rows
from verify.mutate.run import Outcome, run_mutants
from verify.mutate.state import KILLED, PROOF, State
from verify.mutate.trial import mutants_of, verdict


LONG = pytest.mark.long

ADDER = """
module adder(input clk, input rst, input [1:0] a, output [1:0] y, output z);
  reg [1:0] held;
  always @(posedge clk) held <= rst ? 2'd0 : held + a;
  assign y = held;
  assign z = (a == 2'd3) & (a != 2'd3);
endmodule
"""


@pytest.fixture(scope="module")
def results():
    return json.loads((ROOT / "docs" / "results" / "mutants" / "mutants.json").read_text())


@needs_wheel
@pytest.mark.parametrize(("name", "count"), [
    ("decompressor", 30), ("quantizer-fp8_e4m3", 20), pytest.param("float-sum", 20, marks=LONG),
    pytest.param("array-mxfp4", 20, marks=LONG), pytest.param("float-lane", 20, marks=LONG),
    pytest.param("token-finisher", 20, marks=LONG), pytest.param("coefficients", 20, marks=LONG),
    pytest.param("epilogue", 20, marks=LONG)])
def test_a_sample_is_noticed_or_proved_equivalent_or_listed(name, count, results):
    component = COMPONENTS[name]
    listed = {name for row in results["components"] for name in row["survivors"]}
    mutants = mutants_of(component, count)
    built, check = device(component.top, component.design, mutants.verilog), component.check()
    assert verdict(built, check, 0) == "survived", "the design as it is"
    found = {mutant: verdict(built, check, number)
             for number, mutant in enumerate(mutants.names, start=1)}
    survivors = [mutant for mutant, became in found.items() if became not in KILLED]
    assert len(survivors) < 5
    for mutant in set(survivors) - listed:
        assert prove(mutants.gold, f"nm_{component.top}", mutant, component.proofs), mutant
    # A power-up, and nothing of the mutant before, stands between two of them.
    assert verdict(built, check, 0) == "survived"


@pytest.fixture(scope="module")
def adder():
    return make(ADDER, "adder", 500)


def test_mutants_are_many_different_and_the_same_every_time(adder):
    assert len(set(adder.names)) == len(adder.names) > 20
    assert {name.split()[1] for name in adder.names} >= {"inv", "const0", "const1"}
    assert not any("CLK" in name for name in adder.names)
    assert {module_of(name) for name in adder.names} == {"adder"}
    assert make(ADDER, "adder", 500) == adder
    assert len(make(ADDER, "adder", 5).names) == 5
    assert "input [15:0] mutant" in adder.verilog


def test_what_makes_a_difference_is_never_proved(adder, tmp_path):
    """Every mutant of the sum does; one of what is always 0 does not."""
    unlike = [name for name in adder.names if "$add" in name and "-port Y" in name]
    assert unlike
    assert not any(prove(adder.gold, "adder", name) for name in unlike[:3])
    assert prove(adder.gold, "adder", unlike[0], ["module"]) == ""
    alike = [name for name in adder.names if "$eq" in name and "const0" in name
             and "-port Y" in name]
    assert [prove(adder.gold, "adder", name) for name in alike] == ["module"] * len(alike)
    assert alike


def test_proofs_that_yosys_cannot_run_are_none(adder, monkeypatch):
    def fails(*arguments, **options):
        raise yosys.SynthesisTimeout("Yosys did not end within 100 s")

    monkeypatch.setattr(yosys, "run", fails)
    assert prove(adder.gold, "adder", adder.names[0]) == ""


def test_a_proof_that_is_ended_with_its_command_is_looked_for_again(adder, tmp_path, monkeypatch):
    def ended(*arguments, **options):
        ends = Timer(0.2, children.end_all)
        ends.start()
        try:
            children.call(["sleep", "60"])
        finally:
            ends.join()  # or it would end the children of another test

    path = tmp_path / "x.jsonl"
    State(path, "a").end(adder.names[0], "survived")
    for place, attribute, value in (
            (children, "_ended", Event()), (yosys, "run", ended), (run, "_attempts", lambda *_: ()),
            (run, "mutants_of", lambda *_: replace(adder, names=adder.names[:1])),
            (run, "state_of", lambda *_: State(path, "a"))):
        monkeypatch.setattr(place, attribute, value)
    for _ in range(2):  # the second time, it does not even start
        with pytest.raises(children.Ended):
            run._one("decompressor", 1, tmp_path)
        assert not State(path, "a").tried


def test_verdicts_survive_the_end_of_a_process(tmp_path):
    path = tmp_path / "x.jsonl"
    state = State(path, "a")
    state.end("one", "result")
    state.end("two", "survived")
    state.prove("two", "module")
    state.end("three", "survived")
    state.prove("three", "")
    state.begin("four")
    path.write_text(path.read_text() + '{"mutant": "fi')
    state = State(path, "a")
    assert state.verdicts == {"one": "result", "two": "equivalent: module", "three": "survived"}
    assert state.begun == "four", "its process was ended, by it or by others"
    assert state.tried == {"two", "three"}
    assert State(path, "a").verdicts == state.verdicts
    assert State(path, "b").verdicts == {}, "of another design, or other checks"


def test_what_is_known_is_not_written_again(tmp_path, monkeypatch):
    """A full disk, or the end of the process in the middle of it, cannot lose it."""
    State(tmp_path / "x.jsonl", "a").end("one", "result")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert State(tmp_path / "x.jsonl", "a").verdicts == {"one": "result"}
    before = (tmp_path / "x.jsonl").read_text()
    with pytest.raises(ValueError, match=r"No space left on device"):
        State(tmp_path / "x.jsonl", "b")
    assert (tmp_path / "x.jsonl").read_text() == before


@pytest.mark.long
def test_what_stops_a_trial_is_one_sentence(tmp_path):
    process = start(["verify.mutate.trial", "selector-radix", 1, tmp_path / "state"], cwd=tmp_path,
                    CXX="no-such-compiler")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (
        2, "", "CXX must name a C++ compiler, not 'no-such-compiler', which is not installed\n")


@pytest.mark.parametrize("codes", [[0], [-14, 0], [1, 1]])
def test_a_mutant_that_ends_the_process_is_noticed_and_the_next_is_tried(codes, tmp_path,
                                                                         monkeypatch):
    """Where nothing was tried in between, it is no mutant that failed: not what was left open."""
    state = State(tmp_path / "x.jsonl", "a")
    state.begin("left open by a run that was ended")
    left = list(codes)

    def call(words):
        code = left.pop(0)
        if code <= 0:
            state.begin(f"mutant {len(left)}")
        return subprocess.CompletedProcess(words, code, "", "no tools\n")

    monkeypatch.setattr(run, "call", call)
    monkeypatch.setattr(run, "state_of", lambda *_: State(state.path, "a"))
    attempts = run._attempts("decompressor", 1, tmp_path, 3)
    if codes[0] == 1:
        with pytest.raises(Fault, match=r"^mutants of decompressor must be tried, not fail: no t"):
            list(attempts)
    else:
        assert len(list(attempts)) == len(codes)
        assert not left
        crashed = {f"mutant {k}": "crash" for k in range(1, len(codes))}
        assert State(state.path, "a").verdicts == crashed


def test_figures_are_of_those_that_make_a_difference():
    outcome = Outcome("x", {"a": "result", "b": f"{PROOF}module", "c": "survived", "d": "crash"})
    assert (outcome.killed, outcome.equivalent, outcome.survivors) == (2, 1, ["c"])
    assert outcome.share == 2 / 3
    written = files([outcome])
    assert page_rows(json.loads(written["mutants.json"])) == [
        "| x | 4 | 2 | 1 | 1 | 66.7 % |", "| all | 4 | 2 | 1 | 1 | 66.7 % |"]
    assert list(csv.reader(StringIO(written["mutants.csv"])))[1] == ["x", "a", "result"]


@pytest.mark.parametrize(("became", "code"), [("result", 0), ("survived", 1)])
def test_the_command_prints_and_writes_what_it_found(became, code, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "run_mutants", lambda *_: [Outcome("x", {"-mode inv": became})])
    with pytest.raises(SystemExit) as caught:
        command.main(["-o", str(tmp_path)])
    assert caught.value.code == code
    printed = capsys.readouterr().out
    assert ("survivor, x: -mode inv" in printed) == bool(code)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mutants.csv", "mutants.json"]


def test_figures_in_the_repository_are_whole(results):
    found = {row["component"]: SimpleNamespace(**row) for row in results["components"]}
    assert list(found) == list(COMPONENTS)
    assert results["proofs"] == PROOFS
    assert sum(row.mutants for row in found.values()) >= 3000
    for row in found.values():
        assert row.mutants == row.killed + row.equivalent + len(row.survivors)
        assert row.killed >= 0.99 * (row.mutants - row.equivalent), row.component


def test_the_page_has_the_figures_and_every_survivor(results):
    page = (ROOT / "docs" / "verification.md").read_text()
    head = "| component | mutants | killed | equivalent | survivors | killed of the others |"
    table = page[page.index(head):].partition("\n\n")[0].splitlines()
    assert table[2:] == page_rows(results)
    for row in results["components"]:
        for survivor in row["survivors"]:
            assert f"`{survivor}`" in page


@needs_wheel
@pytest.mark.long
@pytest.mark.parametrize("name", ["selector-serial", "compressor", "decompressor-rank"])
def test_mutants_are_noticed_or_proved_equivalent(name, tmp_path, results):
    """But for those that are known to survive."""
    known, = (row["survivors"] for row in results["components"] if row["component"] == name)
    outcome, = run_mutants([name], 60, tmp_path, 1)
    assert len(outcome.verdicts) == 60
    assert set(outcome.survivors) <= set(known)
    again, = run_mutants([name], 60, tmp_path, 1)
    assert again == outcome
