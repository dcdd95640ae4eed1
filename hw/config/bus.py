"""Parameters of the bus: how the data of jobs come to an accelerator."""

from dataclasses import dataclass

from hw.config.parameter import flag, parameter
from hw.config.ports import PortsParameters


__all__ = ["BUSES", "BUS_OPTIONS", "BusParameters"]


BUSES = ("stream", "axi4")
"""Ways for the data of a job: streams that somebody feeds, or a master that fetches them."""

BUS_OPTIONS = ("bus", "bus_width", "address_width", "burst", "outstanding", "decode")
"""Names of the parameters of a bus."""

PAGE = 4096
"""Bytes of the aligned region that no burst of AXI4 may leave."""

_ACCELERATOR = ("accelerator",)


@dataclass(frozen=True)
class BusParameters(PortsParameters):
    """The AXI4 master, where there is one."""

    bus: str = parameter("stream", "how data come and go: by streams, or by one AXI4 master that "
                                   "reads and writes a memory by itself", _ACCELERATOR,
                         choices=BUSES)
    bus_width: int = parameter(128, "data bits of the AXI4 master, a power of two", _ACCELERATOR,
                               low=64, high=512, option=False)
    address_width: int = parameter(32, "address bits of the AXI4 master", _ACCELERATOR,
                                   low=32, high=64, option=False)
    burst: int = parameter(16, "beats of the longest burst of the AXI4 master, a power of two",
                           _ACCELERATOR, low=1, high=256, option=False)
    outstanding: int = parameter(8, "bursts that the AXI4 master may have asked for and not got",
                                 _ACCELERATOR, low=1, high=64, option=False)

    decode: bool = flag("jobs may read only the weights of features that some token keeps",
                        _ACCELERATOR)

    @property
    def bus_bytes(self) -> int:
        """Bytes of a beat of the AXI4 master."""
        return self.bus_width // 8

    @property
    def burst_beats(self) -> int:
        """Beats of the longest burst: bursts stay inside aligned regions of as many beats.

        So none of them crosses a border of 4 KiB.
        """
        return min(self.burst, PAGE // self.bus_bytes)

    @property
    def decode_tokens(self) -> int:
        """Tokens of a job at most that reads only the weights which it needs: one group."""
        return min(self.rows, self.batch_tokens)

    @property
    def _weight_bytes(self) -> int:
        """Bytes of the weights of a block, for all columns."""
        weights = 1 << (self.pattern.m - 1).bit_length() + (self.columns - 1).bit_length()
        return weights * self.weight.bits // 8

    def _check(self) -> None:
        super()._check()
        if self.bus == "stream":
            for name in BUS_OPTIONS[1:]:
                value, plain = getattr(self, name), type(self).__dataclass_fields__[name].default
                if value != plain:
                    raise ValueError(f"{name} must be {plain} with bus stream, not {value!r}")
            return
        for name in ("bus_width", "burst"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, not {value!r}")
        if self.pad_streams:
            raise ValueError("pad_streams must be False with bus axi4, which has no streams, not "
                             "True")
        if self.packets != "batch":
            raise ValueError("packets must be batch with bus axi4, which has no streams, not "
                             f"{self.packets!r}")
        if self.decode and self.pattern.dense and self.flexible == "none":
            raise ValueError(f"decode must be False with the pattern {self.pattern}, which keeps "
                             "everything, not True")
        if self.decode and self._weight_bytes <= self.bus_bytes:
            raise ValueError(f"bus_width must be below {8 * self._weight_bytes} with decode, as a "
                             f"beat that holds all weights of a block is always read, not "
                             f"{self.bus_width}")
