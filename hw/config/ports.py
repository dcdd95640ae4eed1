"""Parameters of the ports: how a generated design meets what stands around it."""

from dataclasses import dataclass

from hw.config.accelerator import AcceleratorParameters
from hw.config.parameter import DESIGNS, flag, parameter


__all__ = ["PACKETS", "RESETS", "PortsParameters"]


RESETS = ("active_high", "active_low")
PACKETS = ("batch", "job")


@dataclass(frozen=True)
class PortsParameters(AcceleratorParameters):
    """Reset, and the form of the streams."""

    reset: str = parameter("active_high", "level of the synchronous reset: port rst, or rst_n",
                           DESIGNS, choices=RESETS, option=False)
    pad_streams: bool = flag("tdata of a power of two of bytes, and tkeep for those that count",
                             tuple(name for name in DESIGNS if name != "pe"))
    packets: str = parameter("batch", "packet of the results: the tokens of a batch in a tile of "
                                      "columns, or the whole job", ("accelerator",),
                             choices=PACKETS, option=False)
