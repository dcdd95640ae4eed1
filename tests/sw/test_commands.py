"""What the commands of the software refuse, and that nothing is lost."""

import json
import multiprocessing

import pytest

from sw import benchmark, calibrate, evaluate
from sw.decoder import train
from sw.evaluation.results import Results
from tests.commands import refused


OUTPUT = {evaluate: ["-o", "x"], calibrate: ["-o", "x.pt"]}


@pytest.mark.parametrize(("command", "words", "message"), [
    (evaluate, ["--paper", "--criteria", "act"],
     "criteria must be left out with paper, which has its own, not 'act'"),
    (evaluate, ["--paper", "--corrections", "var"],
     "corrections must be left out with paper, which has its own, not 'var'"),
    (evaluate, ["--limit", "3", "--model", "decoder"],
     "limit must be left out without tasks, not '3'"),
    (evaluate, ["--task-folder", "x", "--model", "decoder"],
     "task_folder must be left out without tasks, not 'x'"),
    (evaluate, ["--epochs", "3"], "epochs must be left out without a learned correction, not '3'"),
    (evaluate, ["--rate", "0.1", "--corrections", "var"],
     "rate must be left out without a learned correction, not '0.1'"),
    (evaluate, ["--rate", "nan", "--corrections", "ls"],
     "rate must be a number above 0 and below 1, not nan"),
    (evaluate, ["--rate", "-1", "--corrections", "ls"],
     "rate must be a number above 0 and below 1, not -1"),
    (evaluate, ["--length", "64", "--model", "minilm"],
     "length must be left out with minilm, whose sentences have their own, not '64'"),
    (evaluate, ["--criteria", "weight", "--corrections", "var"],
     "corrections must be none where weights are pruned, not var"),
    (evaluate, ["--patterns", "*.q=2:4+*.q=4:8"],
     "pattern must have each layer once, not *.q twice: '*.q=2:4+*.q=4:8'"),
    (evaluate, ["--patterns", "*.q=2:4+8:16"],
     "pattern must be written N:M, or LAYER=N:M+LAYER=N:M for each layer, not '*.q=2:4+8:16'"),
    (evaluate, ["--ignore", ""], "ignore must be a text, not ''"),
    (calibrate, ["--pattern", "*.q=4:2"], "n must be an integer from 1 to 2, not 4"),
    (evaluate, ["--device", "tpu"], "device must be one of cpu, cuda, not 'tpu'"),
    (evaluate, ["--length", "1"], "length must be an integer from 2 to 1048576, not 1"),
    (calibrate, ["--length", "64", "--model", "minilm"],
     "length must be left out with minilm, whose sentences have their own, not '64'"),
    (calibrate, ["--rate", "nan"], "rate must be a number above 0 and below 1, not nan"),
    (calibrate, ["--seed", "x"], "seed must be an integer from 0 to 2147483647, not 'x'"),
    (benchmark, ["--patterns", "unstructured-50", "--outputs", "8"],
     "outputs must be left out without a pattern N:M, not '8'"),
    (benchmark, ["--device", "cuda", "--threads", "2"],
     "threads must be left out on a GPU, not '2'"),
    (train, ["--steps", "0"], "steps must be an integer from 1 to 1048576, not 0"),
    (train, ["--checkpoint", "/"], "checkpoint must be a file that can be written, not '/' ("),
])
def test_what_would_have_no_effect_is_refused(command, words, message, capsys, tmp_path,
                                              monkeypatch):
    monkeypatch.chdir(tmp_path)
    last = refused(command.main, [*OUTPUT.get(command, []), *words], capsys)
    assert last.startswith(f"python -m {command.__name__}: error: {message}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [evaluate, calibrate])
def test_windows_longer_than_the_model_takes_are_refused(command, capsys, tmp_path):
    output = tmp_path / "learned.pt" if command is calibrate else tmp_path / "out"
    last = refused(command.main, ["--model", "decoder", "--length", "257", "-o", output], capsys)
    assert last == (f"python -m {command.__name__}: error: length must be an integer from 1 to "
                    "256, which decoder takes, not 257")
    assert not output.exists()


@pytest.mark.parametrize(("content", "message"), [
    (b"\xff\xfe", "text must be a file in utf-8, not "),
    (("word " * 600).encode(), "sentence must have at most 512 tokens, not 602"),
])
def test_a_text_that_does_not_fit_is_named(content, message, capsys, tmp_path):
    (tmp_path / "text").write_bytes(content)
    last = refused(evaluate.main, ["--text", tmp_path / "text", "--count", "1", "--calibration",
                                   "1", "-o", tmp_path / "out"], capsys)
    assert f"error: {message}" in last
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_of_what_is_asked_for_is_said():
    words = ["--criteria", "act", "weight", "--corrections", "none", "var", "--integer",
             "--patterns", "2:4", "4:8", "-o", "x"]
    found, left_out = evaluate.methods(evaluate.parser().parse_args(words))
    assert [str(method) for method in found if method.pattern == "2:4"] == [
        "2:4 act", "2:4 act int8", "2:4 act var", "2:4 act var int8", "2:4 weight",
        "2:4 weight int8"]
    assert left_out == ["left out: weight var (pruned weights take no corrections)",
                        "left out: weight var int8 (pruned weights take no corrections)"]


def test_results_name_what_was_left_out_of_every_run(tmp_path, capsys):
    save_rows(tmp_path, ["2:4"])
    for lines in (["left out: weight var (why)"], [], ["left out: weight ls (why)"] * 2):
        Results(tmp_path, HEADER).report(list(dict.fromkeys(lines)))
    expected = ["left out: weight var (why)", "left out: weight ls (why)"]
    assert json.loads((tmp_path / "results.json").read_text())["left_out"] == expected
    assert (tmp_path / "results.md").read_text().split("\n\n")[-2:] == [
        expected[0], expected[1] + "\n"]
    assert capsys.readouterr().out.splitlines()[-2:] == expected


def row(pattern):
    return {"pattern": pattern, "criterion": "act", "corrections": "", "integer": False,
            "format": "none", "selection": "before",
            "score": 2.0, "losses": [1.0, 2.0], "layer_snr_db": 1.0, "energy_kept": 0.5}


HEADER = {"model": "x", "measure": "perplexity"}


def save_rows(folder, patterns):
    results = Results(folder, HEADER)
    results.save(dense={"score": 1.0, "losses": [1.0, 1.0]})
    for pattern in patterns:
        results.save(row(pattern))


def test_runs_into_one_folder_lose_no_row(tmp_path):
    """Four processes write different rows, and one that all have, at the same time."""
    context = multiprocessing.get_context("fork")
    wanted = {f"{n}:{m}" for m in range(8, 12) for n in range(1, m)}
    shares = [[f"{n}:{m}" for n in range(1, m)] + ["1:2"] for m in range(8, 12)]
    processes = [context.Process(target=save_rows, args=(tmp_path, share)) for share in shares]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    held = json.loads((tmp_path / "results.json").read_text())
    patterns = [each["pattern"] for each in held["rows"]]
    assert sorted(patterns) == sorted(wanted | {"1:2"})
    assert held["dense"]["score"] == 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_run_with_other_options_is_refused_before_it_writes(tmp_path):
    first, second = Results(tmp_path, HEADER), Results(tmp_path, {**HEADER, "model": "y"})
    first.save(dense={"score": 1.0, "losses": [1.0, 1.0]})
    with pytest.raises(ValueError, match="must be of the same model, text and versions, not of "):
        second.save(row("2:4"))
    assert json.loads((tmp_path / "results.json").read_text())["rows"] == []


def test_a_table_of_results_fits_80_columns(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    save_rows(tmp_path, ["2:4", "unstructured-70"])
    Results(tmp_path, HEADER).report()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("unstructured-70" in line for line in lines) > 1


def test_timings_of_what_is_not_measured_are_marked(capsys):
    benchmark.main(["--size", "64", "--rounds", "1", "--patterns", "2:4,unstructured-50",
                    "--outputs", "32"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.count(" ms") for line in lines[-2:]] == [4, 2]
    assert lines[-1].split()[-2:] == ["-", "-"]
