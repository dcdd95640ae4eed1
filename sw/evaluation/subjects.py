"""Models to evaluate: the MiniLM encoder, the project's decoder, or any of Hugging Face."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hw.command.faults import reason
from sw.decoder.text import sentences, source
from sw.evaluation.metrics import cosines


__all__ = ["CALIBRATION", "Subject", "load_subject", "read_text"]


CALIBRATION = 8
"""Windows or sentences that statistics are taken from, where not told otherwise."""

TOGETHER = 8
"""Windows in one call."""


class Subject:
    """A model, its input, and how to tell how good it still is.

    Attributes
    ----------
    model : nn.Module
        In evaluation mode, on the device that is asked for.
    tokenizer
        Of the model, for tasks; None if there is none.
    batches : list of dict
        Keyword arguments of one call each: what is evaluated on. On the same device.
    calibration : list of dict
        The same, one window or sentence each, for statistics and training.
    measure : str
        ``perplexity`` of the tokens (decoders, lower is better), or ``cosine`` of the sentence
        embeddings to the dense model's (encoders, 1 is best).
    """

    def __init__(self, model: nn.Module, batches: list[dict[str, Tensor]],
                 calibration: list[dict[str, Tensor]], measure: str, tokenizer: Any = None,
                 device: str = "cpu"):
        self.model, self.measure, self.tokenizer = model.eval().to(device), measure, tokenizer
        self.batches, self.calibration = ([{key: value.to(device) for key, value in batch.items()}
                                           for batch in held] for held in (batches, calibration))
        self._dense = self._embed() if measure == "cosine" else None

    @torch.no_grad()
    def _embed(self) -> Tensor:
        return torch.cat([self.model(**batch).last_hidden_state.mean(1) for batch in self.batches])

    @torch.no_grad()
    def losses(self) -> list[float]:
        """Loss of every window or sentence, with the model as it is now.

        Mean negative log-likelihood of a token in nats, or 1 - cosine.
        """
        if self._dense is not None:
            return (1 - cosines(self._dense, self._embed())).tolist()
        losses = []
        for batch in self.batches:
            logits = self.model(**batch).logits[:, :-1].float()
            losses += nn.functional.cross_entropy(
                logits.transpose(1, 2), batch["input_ids"][:, 1:], reduction="none",
            ).mean(1).tolist()
        return losses

    def score(self, losses: Sequence[float]) -> float:
        """Return the measure over all windows or sentences."""
        mean = math.fsum(losses) / len(losses)
        return 1 - mean if self.measure == "cosine" else math.exp(mean)


def _evaluated(tokenizer: Any, text: str, length: int, count: int) -> list[dict[str, Tensor]]:
    """Windows of a text, evenly spaced, in batches."""
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"][0]
    windows = ids[:len(ids) // length * length].view(-1, length)
    if len(windows) < count:
        raise ValueError(f"text must have at least {count * length} tokens, not {len(ids)}")
    chosen = windows[torch.arange(count) * len(windows) // count]
    return [{"input_ids": batch} for batch in chosen.split(TOGETHER)]


def _same_length(encoded: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Join sentences of equal length, so that none needs padding; the most common length first."""
    groups: dict[int, list[dict[str, Tensor]]] = {}
    for sentence in encoded:
        groups.setdefault(sentence["input_ids"].shape[1], []).append(sentence)
    return [{key: torch.cat([sentence[key] for sentence in group]) for key in group[0]}
            for group in sorted(groups.values(), key=len, reverse=True)]


def _random_windows(tokenizer: Any, text: str, length: int, count: int, seed: int,
                    ) -> list[dict[str, Tensor]]:
    """Windows from random places of a text; only these places are tokenised."""
    characters = 8 * length  # more than enough for any usual tokenizer
    generator = random.Random(seed)
    windows: list[dict[str, Tensor]] = []
    for _ in range(10 * count):
        start = generator.randrange(max(1, len(text) - characters))
        ids = tokenizer(text[start:start + characters], return_tensors="pt",
                        add_special_tokens=False)["input_ids"][:, :length]
        if ids.shape[1] == length:
            windows.append({"input_ids": ids})
        if len(windows) == count:
            return windows
    raise ValueError(f"calibration text must have windows of {length} tokens, not only "
                     f"{len(windows)} of {count}")


def read_text(source: str) -> str:
    """Return the text of a file, or of a data set: ``NAME[:CONFIGURATION[:SPLIT]]``.

    Of a data set of Hugging Face, the column ``text`` of one split, by default ``test``, joined
    by empty lines.

    Raises
    ------
    ValueError
        If there is neither, the data set has no such column, or the file is not UTF-8.
    ModuleNotFoundError
        If it is no file, and ``datasets`` is not installed.
    """
    if Path(source).is_file():
        try:
            return Path(source).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"text must be a file in utf-8, not {source!r}") from None
    try:
        from datasets import load_dataset
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"text must be a file, or datasets installed (pip install "
                                  f"nmforge[tasks]), not {source!r}") from None
    name, configuration, split = (*source.split(":"), "", "")[:3]
    try:
        documents = load_dataset(name, configuration or None, split=split or "test")
    except Exception as error:  # of what it does not know it raises anything
        raise ValueError("text must be a file, or a data set as NAME[:CONFIGURATION[:SPLIT]], not "
                         f"{source!r} ({reason(error)})") from None
    if "text" not in documents.column_names:
        raise ValueError(f"text must be a data set with the column text, not {source!r} with "
                         f"{', '.join(documents.column_names)}")
    return "\n\n".join(documents["text"])


def _from_hub(name: str) -> tuple[Any, Any]:
    """Tokenizer and causal model of a name or folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    try:
        return (AutoTokenizer.from_pretrained(name),
                AutoModelForCausalLM.from_pretrained(name, dtype="auto"))
    except ModuleNotFoundError:
        raise
    except Exception as error:  # damaged files raise anything
        about = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError("model must be minilm, decoder, or the name or folder of a whole causal "
                         f"model, not {name!r} ({about})") from None


def load_subject(name: str, text: str | None = None, calibration_text: str | None = None, *,
                 count: int = 16, length: int = 256, calibration: int = CALIBRATION,
                 seed: int = 0, device: str = "cpu") -> Subject:
    """Load a model with its input.

    Parameters
    ----------
    name : str
        ``minilm``, ``decoder``, or the name or folder of a causal language model.
    text, calibration_text : str, optional
        What is evaluated on, by default source of Python's standard library that the decoder
        was not trained on; and what statistics and training take, by default the rest of that
        library. For the encoder every line is a sentence, and the defaults are those of the
        library's documentation.
    count, calibration, length : int
        Windows (or sentences) to evaluate, and for calibration; tokens of a window.
    seed : int
        For the choice of the windows of calibration.
    device : str
        Where the model runs, ``cpu`` or ``cuda``.

    Raises
    ------
    ValueError
        If a text is too short, a window or sentence longer than the model takes, there is no such
        model, it is damaged, or there is no such device.
    """
    if device != "cpu" and not torch.cuda.is_available():
        raise ValueError(f"device must be cpu where torch finds no GPU, not {device}")
    if name == "minilm":
        from sw.evaluation.activations import encode, encoder
        tokenizer, model = encoder()
        chosen = sentences(held_out=True) if text is None else text.splitlines()
        others = sentences(held_out=False) if calibration_text is None \
            else calibration_text.splitlines()
        chosen, others = ([line for line in lines if line.strip()] for lines in (chosen, others))
        for kind, lines, needed in (("text", chosen, count),
                                    ("calibration text", others, calibration)):
            if len(lines) < needed:
                raise ValueError(f"{kind} must have at least {needed} lines, not {len(lines)}")
        chosen = [chosen[k * len(chosen) // count] for k in range(count)]
        others = random.Random(seed).sample(others, calibration)
        batches, windows = ([encode(line) for line in lines] for lines in (chosen, others))
        return Subject(model, _same_length(batches), windows, "cosine", tokenizer, device)
    if name == "decoder":
        from sw.decoder import load
        tokenizer, model = load()
    else:
        tokenizer, model = _from_hub(name)
    longest = getattr(model.config, "max_position_embeddings", None) or length
    if length > longest:
        raise ValueError(f"length must be an integer from 1 to {longest}, which {name} takes, "
                         f"not {length}")
    body = source(held_out=True) if text is None else text
    other = source(held_out=False) if calibration_text is None else calibration_text
    return Subject(model, _evaluated(tokenizer, body, length, count),
                   _random_windows(tokenizer, other, length, calibration, seed),
                   "perplexity", tokenizer, device)
