"""Connects an epilogue, and what prepares its terms, behind the results of an accelerator."""

from amaranth.lib import wiring

from hw.epilogue.epilogue import ChannelBeat, Epilogue
from hw.epilogue.float_epilogue import FloatEpilogue
from hw.epilogue.tokens import TokenFinisher, TokenScale, TokenTable
from hw.job.packet import JobPacket


__all__ = ["connect_epilogue", "connect_float_epilogue"]


def connect_epilogue(m, top, controller, activations, weights, rows, errors):
    """Put the epilogue behind the results; return its rows, and whether it is idle."""
    outside = wiring.flipped(top)
    m.submodules.scales = scales = JobPacket(TokenScale())
    m.submodules.terms = terms = JobPacket(ChannelBeat(top.design))
    m.submodules.finisher = finisher = TokenFinisher(top.design)
    m.submodules.table = table = TokenTable(top.design)
    m.submodules.epilogue = epilogue = Epilogue(top.design)
    wiring.connect(m, controller.run, scales.run, terms.run, finisher.run, table.run,
                   epilogue.run)
    wiring.connect(m, controller.corrections, finisher.corrections, table.corrections,
                   weights.corrections, epilogue.corrections)
    wiring.connect(m, activations.o_summary, finisher.i)
    wiring.connect(m, outside.i_token, scales.i)
    wiring.connect(m, scales.o, finisher.i_scale)
    wiring.connect(m, finisher.o, table.i)
    wiring.connect(m, table.o, epilogue.i_token)
    wiring.connect(m, weights.o_row_sums, epilogue.i_row_sums)
    wiring.connect(m, outside.i_channel, terms.i)
    wiring.connect(m, terms.o, epilogue.i_channel)
    wiring.connect(m, rows, epilogue.i)
    m.d.comb += [scales.brings.eq(controller.corrections.scale), scales.ends.eq(table.i_ends),
                 terms.brings.eq(controller.corrections.terms), terms.ends.eq(table.o_ends)]
    errors |= {"token": scales.tlast_error, "channel": terms.tlast_error}
    return epilogue.o, epilogue.idle & finisher.idle & weights.idle


def connect_float_epilogue(m, top, controller, rows, errors):
    """Put bias and activation function behind results in floats; as :func:`connect_epilogue`."""
    outside = wiring.flipped(top)
    m.submodules.epilogue = epilogue = FloatEpilogue(top.design)
    wiring.connect(m, controller.run, epilogue.run)
    wiring.connect(m, controller.finish, epilogue.finish)
    wiring.connect(m, outside.i_channel, epilogue.i_bias)
    wiring.connect(m, rows, epilogue.i)
    errors["channel"] = epilogue.tlast_error
    return epilogue.o, epilogue.idle
