"""AXI4-Stream (ARM IHI 0051) and AXI4-Lite at the ports of generated designs."""

from types import SimpleNamespace
from typing import ClassVar

from amaranth.hdl import Cat, Module, Signal

from hw.generate.tops import Top
from hw.stream.axi_lite import AxiLite
from verify.formal.bus import BusClaim
from verify.formal.claim import Claim
from verify.formal.stream import stays


__all__ = ["AxisClaim", "axi_lite_claim"]


class AxisClaim(Claim):
    """What a design offers at its stream ``prefix``, whatever its inputs do."""

    rules: ClassVar = {
        "stays": "TVALID stays until TREADY, and TDATA, TUSER, TKEEP and TLAST do not change (2.2)",
        "reset": "TVALID is low in the cycle after a reset (2.7.2)",
    }

    def __init__(self, top: Top, prefix: str = "m_axis"):
        self.prefix = prefix
        super().__init__(top)

    def watch(self, m: Module):
        """Look at the ports of the stream."""
        valid, ready = (getattr(self.inside, f"{self.prefix}_{name}") for name in
                        ("tvalid", "tready"))
        names = [port.name for port in self.inside.ports
                 if port.name.startswith(f"{self.prefix}_t")]
        payload = Cat(getattr(self.inside, name) for name in names
                      if not name.endswith(("tvalid", "tready")))
        running = Signal()
        m.d.sync += running.eq(1)
        return {"stays": stays(m, SimpleNamespace(payload=payload, valid=valid, ready=ready)),
                "reset": valid & ~running}


def axi_lite_claim(top: Top) -> BusClaim:
    """The rules of AXI4-Lite at the ports of an accelerator."""
    return BusClaim(top, AxiLite.host(top, "s_axil"))
