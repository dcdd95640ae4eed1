"""Operands of trained models, for measurements of energy."""

import io

import numpy as np
import torch
from torch import Tensor, nn

from hw.config import choice
from sw.decoder import load
from sw.evaluation.activations import feed_forward
from sw.exact.quantize import quantize


__all__ = ["MODELS", "record", "recorded"]


ROWS = 16
"""Tokens, and output channels, of a set of operands."""

TEXT = (
    "Large language models can drop half of every block of activations and lose little.",
    "A systolic array computes one column of outputs for every token that passes through it.",
    "The first computers filled whole rooms and were programmed by plugging cables.",
)
"""What the encoder reads."""

CODE = '''
def smooth(values, width):
    """Return the mean of every window of width values, the ends left out."""
    total, result = sum(values[:width]), []
    for new, old in zip(values[width:], values):
        result.append(total / width)
        total += new - old
    return [*result, total / width]
'''
"""What the decoder reads, which was trained on Python."""

Sets = list[tuple[Tensor, Tensor]]


def _encoder() -> Sets:
    """Up projections of the first and the last layer, down projection of one between."""
    first, middle, last = (feed_forward(TEXT, layer) for layer in (0, 3, 5))
    return [(first.x_up, first.w_up), (middle.x_down, middle.w_down), (last.x_up, last.w_up)]


@torch.no_grad()
def _decoder() -> Sets:
    """Gate projection of the first layer, down projection of one between, up of the last one."""
    tokenizer, model = load()
    layers = model.model.layers
    chosen: list[nn.Linear] = [layers[0].mlp.gate_proj, layers[len(layers) // 2].mlp.down_proj,
                               layers[-1].mlp.up_proj]
    seen: dict[nn.Module, Tensor] = {}
    handles = [linear.register_forward_pre_hook(
        lambda module, given: seen.__setitem__(module, given[0][0].clone())) for linear in chosen]
    try:
        model(**tokenizer(CODE, return_tensors="pt", return_token_type_ids=False))
    finally:
        for handle in handles:
            handle.remove()
    return [(seen[linear], linear.weight) for linear in chosen]


MODELS = {"minilm": _encoder, "decoder": _decoder}
"""Trained models that come with the packages."""


@torch.no_grad()
def record(name: str) -> dict[str, np.ndarray]:
    """Return operands of a model, quantised as the driver does.

    Rows are evenly spaced over the tokens of the text and over the output channels.

    Parameters
    ----------
    name : str
        One of :data:`MODELS`.

    Returns
    -------
    dict
        ``activations0`` [T, K] and ``weights0`` [O, K], int8, and so on for further sets.
    """
    arrays = {}
    for k, parts in enumerate(MODELS[choice("model", name, tuple(MODELS))]()):
        for kind, part in zip(("activations", "weights"), parts, strict=True):
            rows = torch.arange(ROWS) * len(part) // ROWS
            arrays[f"{kind}{k}"] = quantize(part[rows]).values.numpy()
    return arrays


def recorded() -> dict[str, bytes]:
    """The operands of all models, as ``.npz`` files by name."""
    contents = {}
    for name in MODELS:
        file = io.BytesIO()
        np.savez_compressed(file, allow_pickle=False, **record(name))
        contents[f"{name}.npz"] = file.getvalue()
    return contents
