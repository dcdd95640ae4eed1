"""The exact reference of flexible N:M activation sparsity, in PyTorch.

Names are loaded on first use, so that ``import sw`` costs nothing and needs no torch.
"""

from importlib import import_module
from typing import Any


_HOME = {
    "nm_mask": "sw.selection",
    "nm_prune": "sw.selection",
    "unstructured_mask": "sw.selection",
    "compress": "sw.compression",
    "decompress": "sw.compression",
    "Compressed": "sw.compression",
    "compress_tokens": "sw.compressor",
    "nm_linear": "sw.linear",
    "SparseLinear": "sw.linear",
    "feed_forward": "sw.activations",
    "snr_db": "sw.metrics",
    "cosine": "sw.metrics",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'sw' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
