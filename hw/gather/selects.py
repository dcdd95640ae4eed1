"""Selects of a gather network, decoded from a bitmask."""

from functools import reduce
from math import gcd
from operator import or_

from amaranth.hdl import C, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.gather.gather import SelectDecoder, network_selects
from hw.gather.network import Network


__all__ = ["NetworkDecoder"]


class NetworkDecoder(wiring.Component):
    """Decodes a bitmask into the selects of a network. Combinational.

    It knows no lane of a value, only which places are taken before each stage. Below a taken place
    stand ``weight * (d // weight)`` free ones: counted modulo a small number they give the digit
    by which the value moves, and where it moves gives the places of the next stage. The lower half
    is counted from below and the upper half from above, which halves the depth. The last stage
    needs no count: a value that need not move has no free place below it, one that moves by the
    largest digit none above it. Area grows with ``m`` times the sum of the radices.

    A mask whose popcount is not ``n`` gives selects that move nothing properly.

    Parameters
    ----------
    network : Network
    inverted : bool
        Give complements. Whoever inverts them drives the load of a row, which the logic in here,
        of which each select is the input of the next, would wait for.

    Members
    -------
    mask : In(m)
        Exactly ``n`` bits set.
    selects : Out(network_selects(network))
    """

    def __init__(self, network: Network, *, inverted: bool = False):
        self.network = network
        self.inverted = inverted
        super().__init__({
            "mask": In(network.pattern.m),
            "selects": Out(network_selects(network)),
        })

    def elaborate(self, platform):
        m = Module()
        network = self.network
        if len(network.stages) == 1:
            m.submodules.decoder = decoder = SelectDecoder(network.pattern)
            selects = Value.cast(decoder.selects)
            m.d.comb += [decoder.mask.eq(self.mask),
                         Value.cast(self.selects).eq(~selects if self.inverted else selects)]
            return m

        taken = dict(enumerate(self.mask))
        selects: list[Value] = []
        for stage, nodes in enumerate(network.stages):
            moves = self._moves(m, stage, taken)
            taken = {}
            for node in nodes:
                arriving = [moves[source, node.place] for source in node.sources]
                if len(arriving) > 1:
                    low = network.active_low and len(arriving) == 2
                    selects += [~move if low else move for move in arriving]
                taken[node.place] = Signal(name=f"taken{stage + 1}_p{node.place}")
                m.d.comb += taken[node.place].eq(reduce(or_, arriving))
        m.d.comb += [self.selects[k].eq(~select if self.inverted else select)
                     for k, select in enumerate(selects)]
        return m

    def _moves(self, m, stage, taken):
        """Whether a value moves in a stage, by its source and the place that it moves to."""
        network = self.network
        weight, last = network.weights[stage], stage == len(network.stages) - 1
        digits = (network.pattern.span - 1) // weight + 1 if last else network.radices[stage]
        if last and digits <= 3:
            return self._last_moves(m, taken, weight, digits)

        # The smallest number modulo which a count of weight * e free places tells e % digits.
        modulus = next(k for k in range(digits, digits * weight + 1)
                       if k // gcd(k, weight) % digits == 0)
        free = self._free(m, stage, taken, modulus)
        moves = {}
        for node in network.stages[stage]:
            for source in node.sources:
                moves[source, node.place] = move = Signal(name=f"s{stage}_{source}_to_{node.place}")
                m.d.comb += move.eq(taken[source] & free[source][(source - node.place) % modulus])
        return moves

    def _last_moves(self, m, taken, weight, digits):
        """Moves of the last stage: nothing is free below what stays, or above what moves most."""
        lanes = range(self.network.pattern.n)
        stays = self._chain(m, "stays", [taken[lane] for lane in lanes])
        moves = {(lane, lane): stays[lane] for lane in lanes}
        if digits == 3:
            far = self._chain(m, "far", [taken[lane + 2 * weight] for lane in reversed(lanes)])
            moves |= {(lane + 2 * weight, lane): far[-1 - lane] for lane in lanes}
        for lane in lanes:
            others = [moves[source, lane] for source in (lane, lane + 2 * weight)
                      if (source, lane) in moves]
            moves[lane + weight, lane] = ~reduce(or_, others)
        return moves

    def _chain(self, m, name, bits):
        """For each bit whether it and all bits before it are set."""
        chain = []
        for k, bit in enumerate(bits):
            chain.append(Signal(name=f"{name}{k}"))
            m.d.comb += chain[k].eq(bit & chain[k - 1] if k else bit)
        return chain

    def _free(self, m, stage, taken, modulus):
        """For each place the number of free places below it, modulo ``modulus``, as a one-hot.

        Only right for places that are taken, which is what they are asked for.
        """
        size = max(taken) + 1
        half = size // 2
        total = size - self.network.pattern.n
        counts = [C(k == 0) for k in range(modulus)]
        free = {}
        for place in range(half):
            free[place] = counts
            counts = self._step(m, f"free{stage}_p{place + 1}", counts, taken.get(place, C(0)), 1)
        counts = [C(k == total % modulus) for k in range(modulus)]
        for place in reversed(range(half, size)):
            free[place] = counts
            counts = self._step(m, f"free{stage}_p{place - 1}", counts, taken.get(place, C(0)), -1)
        return free

    def _step(self, m, name, counts, taken, step):
        """Count on by ``step`` past a place that is not taken."""
        modulus = len(counts)
        if modulus == 2:
            odd = Signal(name=f"{name}_odd")
            m.d.comb += odd.eq(counts[1] ^ ~taken)
            return [~odd, odd]
        after = [Signal(name=f"{name}_is{k}") for k in range(modulus)]
        m.d.comb += [after[k].eq(Mux(taken, counts[k], counts[(k - step) % modulus]))
                     for k in range(modulus)]
        return after
