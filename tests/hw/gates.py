"""Combinational components on millions of inputs at once: gate by gate, a bit of NumPy for each."""

import numpy as np
from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.formal.bdd import Circuit


__all__ = ["Bench", "run"]


CHUNK = 1 << 18
"""Inputs that are worked on at a time."""


class Bench(wiring.Component):
    """A component of gates that a function adds to a module.

    Parameters
    ----------
    inputs, outputs : dict of str to int
        Names and bits.
    build : callable
        ``build(m, inputs)`` returns the values of the outputs by name.
    """

    def __init__(self, inputs, outputs, build):
        self.inputs, self.outputs, self.build = inputs, outputs, build
        super().__init__({**{name: In(bits) for name, bits in inputs.items()},
                          **{name: Out(bits) for name, bits in outputs.items()}})

    def elaborate(self, platform):
        m = Module()
        found = self.build(m, {name: getattr(self, name) for name in self.inputs})
        m.d.comb += [getattr(self, name).eq(Value.cast(found[name])) for name in self.outputs]
        return m


class _Words:
    """Functions of bits as arrays of bytes, eight inputs in each."""

    @staticmethod
    def ite(test, then, other):
        test, then, other = (np.uint8(255 * each) if isinstance(each, int) else each
                             for each in (test, then, other))
        return test & then | ~test & other


def run(bench, folder, **inputs):
    """What comes out, int64 [B], by name, for arrays of unsigned integers [B] of each input."""
    circuit = Circuit(bench, folder)
    count = len(next(iter(inputs.values())))
    found = {name: np.zeros(count, np.int64) for name in bench.outputs}
    for start in range(0, count, CHUNK):
        part = slice(start, min(start + CHUNK, count))
        given = {net: np.packbits((numbers[part] >> k & 1).astype(bool))
                 for name, numbers in inputs.items()
                 for k, net in enumerate(circuit.nets[name])}
        wanted = [(name, k, net) for name in found for k, net in enumerate(circuit.nets[name])]
        bits = circuit.evaluate(_Words, given, [net for _, _, net in wanted])
        for (name, k, _), bit in zip(wanted, bits, strict=True):
            if isinstance(bit, int):
                found[name][part] |= bit << k
            else:
                found[name][part] |= np.unpackbits(bit)[:part.stop - start].astype(np.int64) << k
    return found
