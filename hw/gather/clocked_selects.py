"""What clears the registers of a clocked gather, decoded from a bitmask stage by stage."""

from functools import reduce
from operator import and_, or_

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
        below = self._counts(m, stage, C(0, range(modulus)), range(half), taken, modulus, 1)
        above = self._counts(m, stage, C((size - self.network.pattern.n) % modulus,
                                         range(modulus)), range(half, size)[::-1], taken, modulus,
                             -1)
        return {place: [count == k for k in range(modulus)]
                for place, count in {**below, **above}.items()}

    def _counts(self, m, stage, first, places, taken, modulus, step):
        """Counts at each of ``places``: on by ``step`` past one that is not taken.

        Every other count skips one, as a table of four inputs takes a count and two places: half
        as many tables follow each other.
        """
        counts = {place: first for place in places[:1]}
        for k, place in enumerate(places[1:], start=1):
            before = places[max(k - 2, 0) if k % 2 == 0 else k - 1:k]
            counts[place] = self._count(m, f"free{stage}_p{place}", counts[before[0]],
                                        [taken.get(one, C(0)) for one in before], modulus, step)
        return counts

    def _count(self, m, name, count, taken, modulus, step):
        """Count on past places that are not taken; a table, as an adder costs more."""
        after = Signal(range(modulus), name=name)
        every, some = reduce(and_, taken), reduce(or_, taken)
        for bit in range(len(after)):
            moved = [reduce(or_, [count == value for value in range(modulus)
                                  if (value + k * step) % modulus >> bit & 1])
                     for k in range(len(taken) + 1)]
            m.d.comb += after[bit].eq(Mux(every, moved[0], Mux(some, moved[1], moved[-1])))
        return after
