"""The exact reference of flexible N:M activation sparsity, in PyTorch.

Names are loaded on first use, so that ``import sw`` costs nothing and needs no torch.
"""

from importlib import import_module
from typing import Any

import hw.command.early  # noqa: F401 - signals, from here on


_HOME = {
    "nm_mask": "sw.exact.selection",
    "nm_prune": "sw.exact.selection",
    "unstructured_mask": "sw.exact.selection",
    "compress": "sw.exact.encoding",
    "decompress": "sw.exact.encoding",
    "Compressed": "sw.exact.encoding",
    "compress_tokens": "sw.exact.compressor",
    "nm_linear": "sw.exact.linear",
    "SparseLinear": "sw.exact.linear",
    "sparsify": "sw.methods.sparsify",
    "observe": "sw.methods.observe",
    "find_layers": "sw.methods.layers",
    "save_config": "sw.methods.configuration",
    "load_config": "sw.methods.configuration",
    "load_learned": "sw.calibrate",
    "feed_forward": "sw.evaluation.activations",
    "snr_db": "sw.evaluation.metrics",
    "cosine": "sw.evaluation.metrics",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'sw' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
