"""Which PE and which decoder a design has."""

from hw.array.dsp import DspDecoder, DspPE
from hw.array.float_row import FloatDecoder
from hw.array.pe import PE
from hw.array.row import RowDecoder
from hw.config import Design


__all__ = ["make_decoder", "make_pe", "timing"]


def make_pe(design: Design) -> PE | DspPE:
    """Return the PE that ``multiplier`` names."""
    return DspPE(design) if design.multiplier == "dsp" else PE(design)


def make_decoder(design: Design) -> RowDecoder | FloatDecoder | DspDecoder:
    """Return the decoder of a row of such PEs."""
    if design.multiplier == "dsp":
        return DspDecoder(design)
    return RowDecoder(design) if design.number.integer else FloatDecoder(design)


def timing(design: Design) -> tuple[dict[str, int], int]:
    """Registers of an array on the way to a PE, and cycles from its inputs to the accumulators.

    Registers of what the PEs of a row share stand behind the row's decoder. PEs that register what
    they gather need none in front of it.
    """
    pe, decoder = make_pe(design), make_decoder(design)
    pe._MustUse__used = decoder._MustUse__used = True  # they are asked, not built
    weights = int(not design.registers_gathered)
    registers = {name: weights + cycles - decoder.takes[name]
                 for name, cycles in pe.after.items()}
    # Scales of weights do not pass the gather, and come with what a row shares.
    return {"weights": weights, "weight_scales": 1, **registers}, weights + pe.latency
