"""What other commands and models left as JSON: a model's config.json, results of sw.evaluate."""

import json
from math import isfinite
from typing import Any

from hypothesis import strategies as st

from synth.performance.models import layers, named
from synth.study.accuracy import evaluated
from verify.fuzz.damage import JUNK, damaged, damaged_tree
from verify.fuzz.files import written
from verify.fuzz.target import Target, outcome


__all__ = ["TARGET"]


_CONFIG = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,
           "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
           "intermediate_size": 128, "vocab_size": 1000, "text_config": {
               "model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 9}}
_ROW = {"pattern": "8:16", "criterion": "act", "corrections": "", "integer": False,
        "score": 20.5, "losses": [3.0, 3.1], "tasks": {"piqa": 0.5}}
_RESULTS = {"model": "decoder", "measure": "perplexity", "left_out": [], "rows": [_ROW],
            "dense": {"score": 20.0, "losses": [3.0, 3.0], "tasks": {"piqa": 0.6}}}
_JUNK = (*JUNK, "llama", "bert", "gpt2", 64, 10 ** 400, [1, 2], -0.0)


def _texts(tree: dict[str, Any]) -> st.SearchStrategy[str]:
    return st.one_of(damaged_tree(tree, _JUNK).map(json.dumps), damaged(json.dumps(tree)))


_PLAIN = {key: value for key, value in _CONFIG.items() if key != "text_config"}
_CASES = st.one_of(
    st.tuples(st.just("config.json"), st.one_of(_texts(_CONFIG), _texts(_PLAIN))),
    st.tuples(st.just("results.json"), _texts(_RESULTS)))


def _check(case: tuple[str, str]) -> str:
    """Layers that are taken have sizes; figures that are taken are finite, or known to be none."""
    name, text = case

    def take() -> None:
        with written(name, text.encode()) as path:
            if name == "config.json":
                for layer in layers(named(str(path))):
                    assert min(layer.features, layer.outputs, layer.count) >= 1
            else:
                for row in evaluated(path):
                    json.dumps(row, allow_nan=False)
                    for figure in ("value", "dense", "lost"):
                        assert row[figure] is None or isfinite(row[figure])

    return outcome(take)


TARGET = Target("figures", "config.json of models and results.json of sw.evaluate", _CASES, _check)
