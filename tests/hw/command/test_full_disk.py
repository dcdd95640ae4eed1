"""A full disk: one line that names the place, exit code 2, and what was stored before as it was."""

import json
import os
import resource
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import torch

from hw.command import files
from hw.command.faults import explain
from sim import soak
from sw import calibrate, evaluate
from sw.decoder import train
from sw.decoder import training as decoder
from synth import measure
from synth.energy import command as energy
from synth.flow import CELLS, yosys
from synth.study import command as study
from tests.commands import refused
from tests.synth.study.small import small
from verify.formal import command as formal
from verify.formal.engine import Outcome
from verify.formal.properties import Property


@contextmanager
def full_disk(size=0):
    """The kernel lets no file of this process grow beyond ``size`` bytes."""
    before, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    fill(size)
    try:
        yield
    finally:
        fill(before)


def fill(size):
    """From here on the disk is full, or no longer."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def there(folder):
    """Every file, with what is in it."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*")
            if path.is_file()}


def full_when_writing(monkeypatch, module):
    """The disk is full at the time at which the command writes its files, not before."""
    def write_all(*arguments):
        with full_disk():
            return files.write_all(*arguments)

    monkeypatch.setattr(module, "write_all", write_all)


def refused_of(name, main, words, place, capsys):
    last = refused(main, words, capsys)
    assert last.startswith(f"python -m {name}: error: ")
    assert f"not fail at {str(place)!r} (" in last or (
        f"output must be a writable directory, not {str(place)!r} (") in last
    assert last.endswith("(File too large)")


SMALL = ["--model", "minilm", "--count", "2", "--calibration", "1", "--layers",
         "*.0.intermediate.*"]


def test_an_evaluation_keeps_its_rows(tmp_path, capsys):
    words = [*SMALL, "-o", str(tmp_path)]
    evaluate.main([*words, "--patterns", "2:4"])
    before = there(tmp_path)
    path = tmp_path / "results.json"
    with full_disk(path.stat().st_size):
        refused_of("sw.evaluate", evaluate.main, [*words, "--patterns", "2:4", "4:8"], path,
                   capsys)
    assert there(tmp_path) == before
    evaluate.main([*words, "--patterns", "2:4", "4:8"])
    assert [row["pattern"] for row in json.loads(path.read_text())["rows"]] == ["2:4", "4:8"]


def test_a_calibration_keeps_its_blocks_and_goes_on(tmp_path, capsys):
    words = ["--count", "1", "--length", "16", "--epochs", "1", "-o"]
    calibrate.main([*words, str(tmp_path / "whole.pt")])
    path = tmp_path / "part.pt"
    with full_disk((tmp_path / "whole.pt").stat().st_size * 6 // 10):
        refused_of("sw.calibrate", calibrate.main, [*words, path], path, capsys)
    assert {found.name for found in tmp_path.glob("[!.]*")} == {"part.pt", "whole.pt"}
    with pytest.raises(ValueError, match="must be of a calibration that has ended"):
        calibrate.load_learned(path)
    calibrate.main([*words, str(path)])
    one, other = map(calibrate.load_learned, (path, tmp_path / "whole.pt"))
    assert all(torch.equal(value, one[layer][name]) for layer, values in other.items()
               for name, value in values.items())


@pytest.fixture
def small_decoder(monkeypatch):
    """A training of four steps, without its tokenizer."""
    words = type("Words", (), {})()
    words.backend_tokenizer = type("Backend", (), {"encode": lambda self, text: type(
        "Encoded", (), {"ids": list(range(1000))})()})()
    words.save_pretrained = lambda folder: (folder / "tokenizer.json").write_text("{}")
    monkeypatch.setattr(decoder, "tokenizer", lambda: words)
    monkeypatch.setattr(decoder, "LENGTH", 16)
    monkeypatch.setattr(decoder, "EVERY", 2)


@pytest.mark.usefixtures("small_decoder")
def test_a_training_keeps_its_checkpoint_and_goes_on(tmp_path, capsys, monkeypatch):
    path, output = tmp_path / "part.pt", tmp_path / "out"
    words = ["--steps", "4", "--checkpoint", str(path), "-o", str(output)]
    save = decoder.save

    def second_fails(place, kind, state):
        with full_disk(0 if state["step"] == 4 else resource.RLIM_INFINITY):
            save(place, kind, state)

    with monkeypatch.context() as patch:
        patch.setattr(decoder, "save", second_fails)
        refused_of("sw.decoder.train", train.main, words, path, capsys)
    assert {found.name for found in tmp_path.glob("[!.]*")} == {path.name}
    assert torch.load(path)["step"] == 2
    with monkeypatch.context() as patch:  # no room for what a library of Rust writes
        patch.setattr(decoder, "train", lambda *given: fill(100) or decoder.model(0))
        with full_disk(resource.RLIM_INFINITY):
            last = refused(train.main, words, capsys)
    assert "error: TMPDIR must take the files of the decoder, not fail at " in last
    assert last.endswith(f": run it again to go on from {path}")
    assert not output.exists()
    train.main(words)
    assert {"config.json", "tokenizer.json"} <= {found.name for found in output.iterdir()}


def test_a_study_keeps_its_files_and_pages(tmp_path, capsys, monkeypatch):
    given, output, page = (tmp_path / name for name in ("given.json", "out", "page.md"))
    given.write_text(small().as_json())
    output.mkdir()
    (output / "study.json").write_text("before")
    page.write_text("<!-- study: answer -->\nold\n<!-- end of study -->\n")
    before = there(tmp_path)
    full_when_writing(monkeypatch, study)
    refused_of("synth.study", study.main, ["--from", given, "--into", page, "-o", output], output,
               capsys)
    assert there(tmp_path) == before


@pytest.mark.parametrize(("module", "name", "file", "words", "shown"), [
    (energy, "synth.energy", "energy.json", ["--patterns", "2:4", "--inputs", "gaussian"],
     "table"),
    (measure, "synth.measure", "measured.json", ["--liberty", str(CELLS)], ""),
    (formal, "verify.formal", "proofs.md", ["--groups", "registers"], "Proofs"),
])
def test_figures_of_before_stay_and_those_of_now_are_shown(module, name, file, words, shown,
                                                           tmp_path, capsys, monkeypatch):
    output = tmp_path / "out"
    output.mkdir()
    (output / file).write_text("before")
    before = there(tmp_path)
    monkeypatch.setattr("synth.energy.command.plan", lambda *given: [])
    monkeypatch.setattr("synth.energy.command._show", lambda *given: print("table"))
    monkeypatch.setattr("synth.reports.selectors.measure", lambda *given: [{"selector": "rank"}])
    monkeypatch.setattr("verify.formal.engine.prove", lambda claim, seconds: Outcome(
        {"rule": "text"}, {}, "pdr", 1.0))
    monkeypatch.setattr("verify.formal.properties.properties", lambda *given: [
        Property("registers", "block", None, lambda: None)])
    full_when_writing(monkeypatch, module)
    with pytest.raises(SystemExit) as caught:
        module.main([*words, "-o", str(output)])
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert shown in printed.out
    assert printed.err.splitlines()[-1] == (
        f"python -m {name}: error: output must be a writable directory, not "
        f"{str(output)!r} (File too large)")
    assert there(tmp_path) == before


def test_a_long_run_keeps_its_units_and_goes_on(tmp_path, capsys, monkeypatch):
    from sim.runs.soak import run

    monkeypatch.setattr(soak, "check_environment", lambda: None)
    monkeypatch.setattr(run, "ProcessPoolExecutor",
                        lambda workers, context, initializer: ThreadPoolExecutor(1))
    monkeypatch.setattr(run, "run_unit", lambda unit: {
        "unit": str(unit), "name": unit.name, "blocks": 1, "cycles": 1, "seconds": 1.0, "peak": 1})
    words = ["--patterns", "2:4", "--blocks", "100000", "--job-blocks", "0", "-o", str(tmp_path)]
    with full_disk(700):
        last = refused(soak.main, words, capsys)
    path, = tmp_path.glob("*.jsonl")
    assert last == ("python -m sim.soak: error: files must be readable and writable, not fail at "
                    f"{str(path)!r} (File too large)")
    *whole, cut = path.read_text().split("\n")
    assert len(whole) > 3
    assert cut
    with pytest.raises(SystemExit) as caught:
        soak.main(words)
    assert caught.value.code == 0
    assert f"10 units, done before: {len(whole) - 1}, " in capsys.readouterr().out
    assert path.read_text().startswith("\n".join(whole))


def test_what_yosys_could_not_write_is_no_netlist(tmp_path, monkeypatch):
    """It cuts files in silence: without room, before or after, there is no result."""
    with full_disk(yosys.ROOM - 1), pytest.raises(OSError, match="File too large") as caught:
        yosys.run(["log hello"], tmp_path, timeout=60)
    assert caught.value.filename == str(tmp_path)
    assert not list(tmp_path.iterdir())
    call = yosys.call

    def fills(*given, **options):
        done = call(*given, **options)
        fill(1 << 20)
        return done

    monkeypatch.setattr(yosys, "call", fills)
    with full_disk(resource.RLIM_INFINITY), pytest.raises(OSError, match="File too large"):
        yosys.run(["log hello"], tmp_path, timeout=60)
    monkeypatch.undo()
    assert "hello" in yosys.run(["log hello"], tmp_path, timeout=60)


def test_a_file_in_a_temporary_folder_is_named_by_it():
    with (full_disk(), pytest.raises(OSError, match="File too large") as caught,
          files.temporary() as folder):
        (folder / "x").write_text("text")
    assert explain(caught.value) == ("files must be readable and writable, not fail at "
                                     f"{str(folder)!r} (File too large)")
    assert folder.parent == type(folder)(tempfile.gettempdir())
    assert not os.path.exists(folder)
