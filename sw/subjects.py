"""Models to evaluate: the MiniLM encoder, the project's decoder, or any of Hugging Face."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sw.decoder.text import sentences, source
from sw.metrics import cosine


__all__ = ["CALIBRATION", "Subject", "load_subject", "split_names"]


CALIBRATION = 8
"""Windows or sentences, next to those evaluated, that statistics are taken from."""


class Subject:
    """A model, its input, and the one number that says how good it still is.

    Attributes
    ----------
    model : nn.Module
        In evaluation mode.
    batches : list of dict
        Keyword arguments of one call each.
    calibration : list of dict
        The same, for statistics; none of ``batches``, and empty if the text was too short.
    measure : str
        ``cosine`` of the sentence embeddings to the dense model's (encoders, 1 is best), or
        ``perplexity`` of the tokens (decoders, lower is better).
    """

    def __init__(self, model: nn.Module, batches: list[dict[str, Tensor]], measure: str,
                 count: int):
        self.model, self.measure = model.eval(), measure
        self.batches, self.calibration = batches[:count], batches[count:count + CALIBRATION]
        self._dense = self._embed() if measure == "cosine" else None

    @torch.no_grad()
    def _embed(self) -> Tensor:
        return torch.cat([self.model(**batch).last_hidden_state.mean(1) for batch in self.batches])

    @torch.no_grad()
    def score(self) -> float:
        """Measure the model as it is now."""
        if self._dense is not None:
            return cosine(self._dense, self._embed())
        total, count = 0.0, 0
        for batch in self.batches:
            logits = self.model(**batch).logits[:, :-1].float()
            targets = batch["input_ids"][:, 1:]
            total += nn.functional.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
            count += targets.numel()
        return math.exp(total / count)


def _windows(tokenizer: Any, text: str, length: int, count: int) -> list[dict[str, Tensor]]:
    ids = tokenizer(text[:(count + CALIBRATION) * length * 8], return_tensors="pt",
                    add_special_tokens=False)["input_ids"][0]
    windows = ids[:len(ids) // length * length].view(-1, length)
    if not len(windows):
        raise ValueError(f"text must have at least {length} tokens, not {len(ids)}")
    return [{"input_ids": window[None]} for window in windows]


def load_subject(name: str, text: str | None = None, *, count: int = 16,
                 length: int = 256) -> Subject:
    """Load a model with its input.

    Parameters
    ----------
    name : str
        ``minilm``, ``decoder``, or the name or folder of a causal language model.
    text : str, optional
        Evaluated text, by default held-out source of Python's standard library. For the encoder
        every line is a sentence.
    count, length : int
        Windows (or sentences), and tokens of a window.

    Raises
    ------
    ValueError
        If the text is too short.
    OSError
        If there is no such model.
    """
    if name == "minilm":
        from sw.activations import encoder
        tokenizer, model = encoder()
        lines = sentences(count + CALIBRATION) if text is None else text.splitlines()
        batches = [dict(tokenizer(line, return_tensors="pt", truncation=True, max_length=512))
                   for line in lines if line.strip()]
        if not batches:
            raise ValueError("text must have at least one line, not none")
        return Subject(model, batches, "cosine", count)
    if name == "decoder":
        from sw.decoder import load
        tokenizer, model = load()
    else:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(name, dtype="auto")
    body = source(held_out=True) if text is None else text
    return Subject(model, _windows(tokenizer, body, length, count), "perplexity", count)


def split_names(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Read combinations such as ``"d-pts+var"``; ``"none"`` is no correction."""
    return [() if name == "none" else tuple(name.split("+")) for name in names]
