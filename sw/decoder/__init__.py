"""A small, really trained decoder of the Llama architecture, to run sparsity on offline.

RoPE, RMSNorm, SwiGLU; 3.5 million parameters in bfloat16. ``python -m sw.decoder.train`` (2,000
steps, seed 0) trained the weights that come with the package, on the source of the standard
library of Python 3.11.7, with torch 2.13.0, transformers 5.24.0 and tokenizers 0.23.3 on one
thread; the loss of its last step was 2.359 nats.
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
        raise FileNotFoundError(f"{WEIGHTS} must hold the decoder: "
                                f"python -m sw.decoder.train -o {WEIGHTS}")
    logging.disable_progress_bar()
    model = LlamaForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    return PreTrainedTokenizerFast.from_pretrained(WEIGHTS), model.eval()
