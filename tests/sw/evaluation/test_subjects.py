"""Where models and texts come from, and what is said when they are damaged."""

import json
import shutil
import sys
from types import ModuleType

import pytest
import torch

from sw.decoder import WEIGHTS
from sw.evaluate import main
from sw.evaluation.subjects import Subject, load_subject, read_text


def damage(folder, kind):
    shutil.copytree(WEIGHTS, folder)
    shard = folder / "model-00002-of-00003.safetensors"
    if kind == "cut":
        shard.write_bytes(shard.read_bytes()[:100_000])
    elif kind == "noise":
        shard.write_bytes(b"\xff" * 64 + shard.read_bytes()[64:])
    elif kind == "tokenizer":
        (folder / "tokenizer.json").write_text("{}")
    elif kind == "config":
        (folder / "config.json").write_text("{")
    elif kind == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    else:  # other sizes than the weights have
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 99}))


@pytest.mark.parametrize("kind", ["cut", "noise", "tokenizer", "config", "sizes", "empty"])
def test_damaged_model_is_one_sentence(tmp_path, capsys, kind):
    folder = tmp_path / "model"
    damage(folder, kind)
    with pytest.raises(SystemExit) as caught:
        main(["--model", str(folder), "--count", "1", "--calibration", "1", "--length", "16",
              "-o", str(tmp_path / "results")])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(
        "python -m sw.evaluate: error: model must be minilm, decoder, or the name or folder of a "
        f"whole causal model, not '{folder}' (")
    assert not (tmp_path / "results").exists()


def test_text_of_a_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("eins\nzwei ä\n", encoding="utf-8")
    assert read_text(str(path)) == "eins\nzwei ä\n"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="utf-8"):
        read_text(str(path))


class Documents(dict):
    """Stands for a split of a data set."""

    @property
    def column_names(self):
        return list(self)


def test_text_of_a_data_set(monkeypatch):
    calls, module = [], ModuleType("datasets")

    def load_dataset(*arguments, **options):
        calls.append((*arguments, options))
        return Documents({"text": ["a", "b"]} if arguments[0] == "wikitext" else {"code": []})

    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    assert read_text("wikitext:wikitext-2-raw-v1:train") == "a\n\nb"
    assert read_text("wikitext") == "a\n\nb"
    assert calls == [("wikitext", "wikitext-2-raw-v1", {"split": "train"}),
                     ("wikitext", None, {"split": "test"})]
    with pytest.raises(ValueError, match=r"^text must be a data set with the column text, not "
                                         r"'other' with code$"):
        read_text("other")


def test_text_of_a_real_data_set(tmp_path, monkeypatch):
    import datasets
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "test.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n')
    assert read_text(str(folder)) == "a\n\nb"


@pytest.mark.parametrize("source", ["emptyfolder", "x:y:z:", "%"])
def test_what_is_no_data_set_is_named(tmp_path, monkeypatch, source):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "emptyfolder").mkdir()
    with pytest.raises(ValueError, match=rf"^text must be a file, or a data set as NAME.*, not "
                                         rf"'{source}' \("):
        read_text(source)


def test_data_set_without_datasets_is_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SystemExit):
        main(["--text", "wikitext", "-o", str(tmp_path / "new")])
    assert capsys.readouterr().err.splitlines()[-1] == (
        "python -m sw.evaluate: error: text must be a file, or datasets installed (pip install "
        "nmforge[tasks]), not 'wikitext'")


def test_model_and_batches_go_to_the_device():
    batch = {"input_ids": torch.zeros(1, 4, dtype=torch.long)}
    subject = Subject(torch.nn.Linear(4, 4), [batch], [batch], "perplexity", device="meta")
    held = [*subject.model.parameters(), subject.batches[0]["input_ids"],
            subject.calibration[0]["input_ids"]]
    assert all(value.device.type == "meta" for value in held)


def test_missing_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"^device must be cpu where torch finds no GPU, not cuda"):
        load_subject("decoder", device="cuda")
