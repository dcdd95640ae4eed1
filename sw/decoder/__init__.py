"""A small, really trained decoder of the Llama architecture, to run sparsity on offline.

RoPE, RMSNorm, SwiGLU; 3.5 million parameters; trained by ``python -m sw.decoder.train`` on the
source of Python's standard library.
"""

from pathlib import Path
from typing import Any


__all__ = ["WEIGHTS", "load"]


WEIGHTS = Path(__file__).parent / "weights"
"""Folder of configuration, tokenizer and weights, in the form of Hugging Face."""


def load() -> tuple[Any, Any]:
    """Return tokenizer and model (evaluation mode, float32).

    Raises
    ------
    FileNotFoundError
        If the weights have not been trained.
    ModuleNotFoundError
        If transformers is not installed.
    """
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.utils import logging

    if not (WEIGHTS / "config.json").exists():
        raise FileNotFoundError(f"{WEIGHTS} must hold the decoder: python -m sw.decoder.train")
    logging.disable_progress_bar()
    model = LlamaForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    return PreTrainedTokenizerFast.from_pretrained(WEIGHTS), model.eval()
