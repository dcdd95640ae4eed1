"""What clears the registers of a clocked gather, decoded from a bitmask stage by stage."""

from functools import reduce
from operator import or_

from amaranth.hdl import C, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.gather.clocked import ClockedNetwork
from hw.gather.selects import NetworkDecoder


__all__ = ["ClockedDecoder"]


class ClockedDecoder(NetworkDecoder):
    """Decodes a bitmask into what clears each stage of a network, a stage for each cycle.

    The moves of ``NetworkDecoder``, with a register behind each stage, and free places counted in
    binary, which takes fewer look-up tables. No reset.

    Parameters
    ----------
    network : ClockedNetwork

    Members
    -------
    mask : In(m)
        Exactly ``n`` bits set.
    clears0, clears1, ... : Out(number of sources)
        As ``ClockedStage`` takes them. Those of stage ``s`` come ``1 + s`` cycles after the mask.
    """

    def __init__(self, network: ClockedNetwork):
        self.network = network
        wiring.Component.__init__(self, {
            "mask": In(network.pattern.m),
            **{f"clears{stage}": Out(count) for stage, count in enumerate(network.clears)},
        })

    def elaborate(self, platform):
        m = Module()
        taken: dict[int, Value] = dict(enumerate(self.mask))
        for stage, nodes in enumerate(self.network.stages):
            moves = self._moves(m, stage, taken)
            taken, clears = {}, getattr(self, f"clears{stage}")
            register, clear = Signal(len(clears), reset_less=True), []
            m.d.comb += clears.eq(register)
            for node in nodes:
                arriving = [moves[source, node.place] for source in node.sources]
                clear += [~move for move in arriving] if len(arriving) > 1 else []
                taken[node.place] = Signal(name=f"taken{stage + 1}_p{node.place}", reset_less=True)
                m.d.sync += taken[node.place].eq(reduce(or_, arriving))
            m.d.sync += [register[k].eq(value) for k, value in enumerate(clear)]
        return m

    def _free(self, m, stage, taken, modulus):
        """As of ``NetworkDecoder``: counted in binary, and compared with each number."""
        size = max(taken) + 1
        half = size // 2
        count, free = C(0, range(modulus)), {}
        for place in range(half):
            free[place] = [count == k for k in range(modulus)]
            count = self._count(m, f"free{stage}_p{place + 1}", count, taken.get(place, C(0)),
                                modulus, 1)
        count = C((size - self.network.pattern.n) % modulus, range(modulus))
        for place in reversed(range(half, size)):
            free[place] = [count == k for k in range(modulus)]
            count = self._count(m, f"free{stage}_p{place - 1}", count, taken.get(place, C(0)),
                                modulus, -1)
        return free

    def _count(self, m, name, count, taken, modulus, step):
        """Count on by ``step`` past a place that is not taken; a table, as an adder costs more."""
        after = Signal(range(modulus), name=name)
        for bit in range(len(after)):
            ones = [value for value in range(modulus) if (value + step) % modulus >> bit & 1]
            moved = reduce(or_, (count == value for value in ones))
            m.d.comb += after[bit].eq(Mux(taken, count[bit], moved))
        return after
