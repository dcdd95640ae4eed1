"""The evaluation command, on the encoder and on small decoders of the usual architectures."""

import json

import pytest
import torch
from transformers import Gemma3TextConfig, LlamaConfig, Qwen2Config
from transformers.models.auto.modeling_auto import AutoModelForCausalLM

from sw import evaluate
from sw.evaluate import main
from sw.sparsify import sparsify
from sw.subjects import Subject


SMALL = ["--model", "minilm", "--patterns", "2:4", "--count", "2", "--layers", "*.intermediate.*"]


def test_results_are_written_and_resumed(tmp_path, monkeypatch, capsys):
    arguments = [*SMALL, "--criteria", "act", "weight", "--integer", "-o", str(tmp_path)]
    main(arguments)
    assert "minilm: cosine, dense 1.0000" in capsys.readouterr().out
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert [(row["criterion"], row["integer"]) for row in rows] == [
        ("act", False), ("act", True), ("weight", False)]
    assert all(0.5 < row["score"] < 1 for row in rows)
    assert (tmp_path / "results.csv").read_text().startswith("pattern,criterion,corrections")
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(evaluate, "evaluate", None)  # nothing may be computed again
    main(arguments)
    assert json.loads((tmp_path / "results.json").read_text())["rows"] == rows
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(("arguments", "message"), [
    (["--criteria", "top"], ("criterion must be one of act, clact, amber, wina, variance, weight, "
                             "not 'top'")),
    (["--patterns", "5:4"], "n must be an integer from 1 to 4, not 5"),
    (["--count", "0"], "count must be an integer from 1, not 0"),
    (["--layers", "nothing"], ("layers must match a linear layer of the model (there are dense, "
                               "key, query, value), not ['nothing']")),
])
def test_rejects(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main([*SMALL, *arguments, "-o", str(tmp_path)])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sw.evaluate: error: {message}"
    assert not list(tmp_path.iterdir())


def test_foreign_results_are_not_overwritten(tmp_path, capsys):
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(SystemExit):
        main([*SMALL, "-o", str(tmp_path)])
    assert "must hold results of this command" in capsys.readouterr().err
    assert (tmp_path / "results.json").read_text() == "[]"


WIDTHS = {"vocab_size": 64, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
          "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


@pytest.mark.parametrize("config", [LlamaConfig, Qwen2Config, Gemma3TextConfig])
def test_decoders_of_the_paper_run_sparse_and_come_back(config):
    torch.manual_seed(0)
    extra = {"head_dim": 16} if config is Gemma3TextConfig else {}
    model = AutoModelForCausalLM.from_config(config(**WIDTHS, **extra))
    subject = Subject(model, [{"input_ids": torch.arange(32)[None]}], "perplexity", 1)
    dense = subject.score()
    with sparsify(model, "8:16", "clact", ["d-pts", "var"]) as sparse:
        assert len(sparse.layers) == 2 * 7
        assert subject.score() != dense
    assert subject.score() == dense
