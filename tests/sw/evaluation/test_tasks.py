"""Tasks of lm-evaluation-harness: the real one where it is installed, and how it is called."""

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from sw.decoder import load
from sw.evaluate import main
from sw.evaluation.tasks import Tasks
from sw.methods.sparsify import sparsify


DOCUMENTS = [
    {"context": "import os\nfor name in os.", "choices": ["listdir", "banana"], "label": 0},
    {"context": "def __init__(", "choices": ["zebra", "self"], "label": 1},
    {"context": "", "choices": ["import", "mport i"], "label": 0},
    {"context": "class Error(", "choices": ["None", "Exception"], "label": 1},
]

DEFINITION = """
task: tiny
dataset_path: json
dataset_kwargs:
  data_files:
    test: {}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{context}}}}"
target_delimiter: ""
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
"""


@torch.no_grad()
def log_likelihood(model, tokenizer, context, text):
    """Of a text after its context, or after a line break where that is empty."""
    before, after = (tokenizer(part)["input_ids"] for part in (context or "\n", text))
    logits = model(input_ids=torch.tensor([before + after])).logits[0].log_softmax(-1)
    return sum(logits[len(before) + k - 1, token].item() for k, token in enumerate(after))


def accuracy(model, tokenizer):
    right = 0
    for document in DOCUMENTS:
        found = [log_likelihood(model, tokenizer, document["context"], choice)
                 for choice in document["choices"]]
        right += found.index(max(found)) == document["label"]
    return right / len(DOCUMENTS)


def test_harness_scores_the_sparse_decoder(tmp_path, monkeypatch):
    import datasets
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "tiny.json").write_text("\n".join(map(json.dumps, DOCUMENTS)))
    (folder / "tiny.yaml").write_text(DEFINITION.format(folder / "tiny.json"))
    main(["--model", "decoder", "--patterns", "2:4", "--count", "1", "--length", "16",
          "--calibration", "1", "--tasks", "tiny", "--task-folder", str(folder),
          "-o", str(tmp_path / "results")])
    held = json.loads((tmp_path / "results" / "results.json").read_text())
    tokenizer, model = load()
    dense = accuracy(model, tokenizer)
    assert 0 < dense < 1
    assert held["dense"]["tasks"] == {"tiny acc": dense}
    with sparsify(model, "2:4"):
        assert held["rows"][0]["tasks"] == {"tiny acc": accuracy(model, tokenizer)}
    assert "| tiny acc |" in (tmp_path / "results" / "results.md").read_text()
    with pytest.raises(ValueError, match=r"^tasks must be names that lm-evaluation-harness knows"):
        Tasks(["nothing"], folder)


class Harness:
    """Stands for the harness: keeps what it is called with."""

    def __init__(self, monkeypatch):
        self.calls = []
        names = ("lm_eval", "lm_eval.models", "lm_eval.models.huggingface", "lm_eval.tasks")
        modules = {name: ModuleType(name) for name in names}
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
            parent, _, last = name.rpartition(".")
            if parent:
                setattr(modules[parent], last, module)
        modules["lm_eval.tasks"].TaskManager = lambda include_path: SimpleNamespace(
            all_tasks=["arc_easy", "piqa"], include_path=include_path)
        modules["lm_eval.models.huggingface"].HFLM = self.wrap
        modules["lm_eval"].simple_evaluate = self.evaluate

    def wrap(self, **options):
        options["tokenizer"].add_special_tokens({"pad_token": "<|pad|>"})
        return options

    def evaluate(self, wrapped, **options):
        self.calls.append((wrapped, options))
        return {"results": {"piqa": {"alias": "piqa", "sample_len": 3, "acc,none": 0.75,
                                     "acc_stderr,none": 0.1, "exact_match,strict": 0.5}}}


def test_call_of_the_harness(tmp_path, monkeypatch):
    harness = Harness(monkeypatch)
    tokenizer, model = load()
    tasks = Tasks(["piqa"], tmp_path, limit=7)
    assert tasks.run(model, tokenizer) == {"piqa acc": 0.75, "piqa exact_match,strict": 0.5}
    (wrapped, options), = harness.calls
    assert wrapped["pretrained"] is model
    assert wrapped["prefix_token_id"] == tokenizer("\n")["input_ids"][0]
    assert options["task_manager"].include_path == str(tmp_path)
    assert (options["tasks"], options["limit"]) == (["piqa"], 7)
    assert tokenizer.pad_token is None, "the tokenizer of the model must stay as it was"
    tokenizer.add_special_tokens({"eos_token": "<|end|>"})
    tasks.run(model, tokenizer)
    assert harness.calls[1][0]["prefix_token_id"] is None


def test_tasks_are_in_all_results(tmp_path, monkeypatch, capsys):
    Harness(monkeypatch)
    main(["--model", "decoder", "--patterns", "2:4", "--count", "1", "--length", "16",
          "--calibration", "1", "--tasks", "piqa", "-o", str(tmp_path)])
    assert "piqa acc" in capsys.readouterr().out
    assert json.loads((tmp_path / "results.json").read_text())["rows"][0]["tasks"] == {
        "piqa acc": 0.75, "piqa exact_match,strict": 0.5}
    assert (tmp_path / "results.csv").read_text().splitlines()[0].endswith(
        ",piqa acc,\"piqa exact_match,strict\",layers_sparse,parameters_sparse")
    lines = (tmp_path / "results.md").read_text().splitlines()
    start = lines.index("| piqa acc | 2:4 |")
    assert lines[start + 1:start + 4] == ["|---|---|", "| dense | 0.750 |", "| act | 0.750 |"]


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ((["nothing"],), ValueError, ("tasks must be names that lm-evaluation-harness knows (lm-eval "
                                  "ls tasks), not 'nothing'")),
    ((["piqa"], None, 0), ValueError, "limit must be an integer from 1 to 1048576, not 0"),
])
def test_rejects(monkeypatch, arguments, error, message):
    Harness(monkeypatch)
    with pytest.raises(error, match="must") as caught:
        Tasks(*arguments)
    assert str(caught.value) == message


def test_rejects_a_missing_folder(tmp_path, monkeypatch):
    Harness(monkeypatch)
    with pytest.raises(NotADirectoryError, match=r"^task folder must be a folder, not '.*/x'$"):
        Tasks(["piqa"], tmp_path / "x")


def test_missing_harness_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(SystemExit) as caught:
        main(["--model", "decoder", "--tasks", "piqa", "-o", str(tmp_path / "new")])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "python -m sw.evaluate: error: lm_eval must be installed for tasks, not "
        "missing: pip install 'nmforge[tasks]'")
    assert not list(tmp_path.iterdir())
