"""Linear layers of language models, from their Hugging Face configuration."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw.command.faults import reason


__all__ = ["MODELS", "Linear", "layers", "named"]


MODELS = ("llama-2-7b", "llama-3.1-8b", "qwen2.5-7b", "gemma-3-4b")
"""Models whose sizes come along, each with its source in ``models.json`` beside this file."""

_GATED = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gemma3_text", "phi3",
          "granite", "olmo", "olmo2", "stablelm", "cohere", "cohere2")
_PLAIN = ("gpt2", "gpt_neox", "gpt_neo", "gptj", "opt", "phi", "starcoder2", "bert", "roberta",
          "distilbert")
_DEFAULTS = {"gemma3_text": {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
                             "vocab_size": 262208}}
"""What files of a family leave out: defaults of ``Gemma3TextConfig`` in transformers."""

_ALIASES = {
    "hidden_size": ("hidden_size", "n_embd", "d_model", "dim"),
    "num_hidden_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "intermediate_size": ("intermediate_size", "n_inner", "ffn_dim", "hidden_dim"),
    "vocab_size": ("vocab_size",),
}
"""What families call the same size."""

_ENCODERS = ("bert", "roberta", "distilbert")
_LARGEST = 1 << 24


@dataclass(frozen=True)
class Linear:
    """Linear layers of one shape.

    Attributes
    ----------
    name : str
    features, outputs : int
        Input and output features.
    count : int
        How many the model has.
    last : bool
        Only the last token of a prompt goes through it: the layer of the vocabulary.
    """

    name: str
    features: int
    outputs: int
    count: int
    last: bool = False


def named(model: str) -> dict[str, Any]:
    """The configuration of one of :data:`MODELS`, or of a ``config.json``, or a folder with one.

    Raises
    ------
    ValueError
        If there is neither.
    """
    if model.lower() in MODELS:
        text = (Path(__file__).parent / "models.json").read_text(encoding="utf-8")
        return json.loads(text)[model.lower()]["config"]
    path = Path(model) / "config.json" if Path(model).is_dir() else Path(model)
    wrong = f"model must be one of {', '.join(MODELS)}, or a config.json, not {model!r}"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{wrong} ({reason(error)})") from None
    if not isinstance(config, dict):
        raise ValueError(f"{wrong} (it holds no object)")
    return config


def layers(config: dict[str, Any]) -> list[Linear]:
    """Every linear layer of a model, those of one shape and place together.

    Attention is no linear layer: its products are of two tensors of activations. Embeddings are
    looked up; the layer of the vocabulary is one also where it shares their weights.

    Raises
    ------
    ValueError
        If sizes are missing, or the kind of model is not known or has experts.
    """
    config = config.get("text_config", config)
    if not isinstance(config, dict):
        raise ValueError(f"text_config must be an object, not {config!r}")
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in (*_GATED, *_PLAIN):
        raise ValueError(f"model_type must be one of {', '.join((*_GATED, *_PLAIN))}, not {kind!r}")
    config = _DEFAULTS.get(kind, {}) | config
    for name in ("num_experts", "num_local_experts", "n_routed_experts"):
        if config.get(name):
            raise ValueError(f"model must have no experts, not {name} {config[name]!r}")
    hidden, count, heads = (_size(config, name) for name in (
        "hidden_size", "num_hidden_layers", "num_attention_heads"))
    head = _given(config, "head_dim", hidden // heads)
    queries, keys = heads * head, _given(config, "num_key_value_heads", heads) * head
    inner = _size(config, "intermediate_size", 4 * hidden)
    found = [Linear("query", hidden, queries, count), Linear("key", hidden, keys, count),
             Linear("value", hidden, keys, count), Linear("out", queries, hidden, count)]
    if kind in _GATED:
        found.append(Linear("gate", hidden, inner, count))
    found += [Linear("up", hidden, inner, count), Linear("down", inner, hidden, count)]
    if kind not in _ENCODERS:
        found.append(Linear("vocabulary", hidden, _size(config, "vocab_size"), 1, last=True))
    return found


def _size(config: dict[str, Any], name: str, default: int | None = None) -> int:
    for alias in _ALIASES[name]:
        if config.get(alias) is not None:
            return _given(config, alias, None)
    if default is None:
        raise ValueError(f"model must have a {name}, not none")
    return default


def _given(config: dict[str, Any], name: str, default: int | None) -> int:
    value = default if config.get(name) is None else config[name]
    if type(value) is not int or not 1 <= value <= _LARGEST:
        raise ValueError(f"{name} of the model must be an integer from 1 to {_LARGEST}, not "
                         f"{value!r}")
    return value
