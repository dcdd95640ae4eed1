"""What a job moves over the bus, by kind."""

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import ID_WIDTH
from hw.layouts import STREAMS


__all__ = ["BeatCounters", "beats"]


_KINDS = {"act": "act", "weight": "weight", "coef": "parameter", "token": "parameter",
          "channel": "parameter", "descriptor": "descriptor"}
"""What is read, and the kind it is counted as."""


def beats() -> data.StructLayout:
    """Counts by the names of their registers' fields, 32 bits each."""
    kinds = dict.fromkeys((*_KINDS.values(), "result"))
    return data.StructLayout({f"{kind}_beats": 32 for kind in kinds})


class BeatCounters(wiring.Component):
    """Counts the beats that are read and written. They go round at 32 bits; reset clears them.

    Members
    -------
    clear : In(1)
    reads : In(1), id : In(3)
        A beat is read; of which stream.
    writes : In(1)
        A beat is written.
    beats : Out(beats())
        Until the cycle before.
    """

    def __init__(self):
        super().__init__({"clear": In(1), "reads": In(1), "id": In(ID_WIDTH), "writes": In(1),
                          "beats": Out(beats())})

    def elaborate(self, platform):
        m = Module()
        with m.If(self.reads), m.Switch(self.id):
            for name, kind in _KINDS.items():
                with m.Case(STREAMS.index(name)):
                    count = self.beats[f"{kind}_beats"]
                    m.d.sync += count.eq(count + 1)
        with m.If(self.writes):
            m.d.sync += self.beats.result_beats.eq(self.beats.result_beats + 1)
        with m.If(self.clear):
            m.d.sync += self.beats.eq(0)
        return m
