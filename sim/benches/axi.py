"""Endpoints of AXI4-Lite and AXI4-Stream that others have written: those of cocotbext-axi."""

import logging
import random
import warnings


__all__ = ["AxiLiteBus", "AxiLiteMaster", "AxiResp", "AxiStreamBus", "AxiStreamFrame",
           "AxiStreamSink", "AxiStreamSource", "coin"]


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of cocotb 1 names, in the package
    from cocotbext.axi import (
        AxiLiteBus,
        AxiLiteMaster,
        AxiResp,
        AxiStreamBus,
        AxiStreamFrame,
        AxiStreamSink,
        AxiStreamSource,
    )

warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext|cocotb_bus")
for _top in ("accelerator", "compressor", "decompressor"):
    logging.getLogger(f"cocotb.nm_{_top}").setLevel(logging.WARNING)


def coin(probability: float):
    """Endless pauses with a probability."""
    while True:
        yield random.random() < probability
