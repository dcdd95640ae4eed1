"""What software wants of the results of a job."""

from amaranth.hdl import signed
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hw.fixed_point import EXPONENT_BITS, Output


__all__ = ["Corrections"]


class Corrections(wiring.Signature):
    """From the controller to the epilogue, and to those who prepare terms for it.

    All of them hear the same, and everything is stable during a job.

    Members
    -------
    wanted : Out(1)
        Results are not raw: rows need the terms of their tokens, and the sums of the weights.
    output : Out(range(5))
        One of :class:`hw.fixed_point.Output`.
    exponent : Out(signed(8))
        Of floating-point results, which are in units of ``2 ** exponent``.
    variance, shift, scale : Out(1)
        Corrections of the tokens that are switched on.
    terms : Out(1)
        Results are scaled: tiles need the terms of their channels.
    """

    def __init__(self):
        super().__init__({
            "wanted": Out(1), "output": Out(range(max(Output) + 1)),
            "exponent": Out(signed(EXPONENT_BITS)),
            "variance": Out(1), "shift": Out(1), "scale": Out(1), "terms": Out(1),
        })
