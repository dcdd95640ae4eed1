"""From the parameters of a design to its Verilog, manifest and header.

Names are loaded on first use, so that a command line answers without Amaranth.
"""

from importlib import import_module
from typing import Any


_HOME = {
    "add_design_arguments": "hw.generate.arguments",
    "design_from": "hw.generate.arguments",
    "generate": "hw.generate.designs",
    "main": "hw.generate.command",
    "verilog": "hw.generate.designs",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'hw.generate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
