"""The multiplier of an FPGA: a DSP block and its registers, as a module of its own."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


__all__ = ["Product"]


class Product(wiring.Component):
    """Multiplies two operands, with a register for each of them and one for their product.

    That is a DSP block with its own registers, to which vendors' tools map the module. For a tool
    that leaves these registers unused it is a module by itself: the block of the family can stand
    in its place, as ``synth.fpga`` has it on ECP5.

    Latency two cycles, a product in every cycle. No reset, and no stall: what is held moves on in
    every cycle.

    Parameters
    ----------
    value_bits, weight_bits : int
        Bits of the operands.

    Members
    -------
    value, weight : In(signed)
        Operands.
    product : Out(signed(value_bits + weight_bits))
        Their product.
    """

    def __init__(self, value_bits: int, weight_bits: int):
        super().__init__({
            "value": In(signed(value_bits)),
            "weight": In(signed(weight_bits)),
            "product": Out(signed(value_bits + weight_bits)),
        })

    @property
    def variant(self) -> str:
        """Bits of the operands."""
        return f"{len(self.value)}x{len(self.weight)}"

    def elaborate(self, platform):
        m = Module()
        value = Signal.like(self.value, reset_less=True)
        weight = Signal.like(self.weight, reset_less=True)
        product = Signal.like(self.product, reset_less=True)
        m.d.sync += [value.eq(self.value), weight.eq(self.weight), product.eq(value * weight)]
        m.d.comb += self.product.eq(product)
        return m
