"""Infinite and undefined sums of a step against those of IEEE 754, as NumPy has them."""

import numpy as np
import pytest
import torch

from hw.array.float_row import FloatDecoder
from hw.array.infinities import specials
from hw.config import Design, Pattern
from hw.formats import FORMATS
from sim.vectors.stimulus import special
from sw.exact.formats import from_bits
from tests.hw.gates import Bench, run


LANES = 3


def drawn(form, count, rng):
    """Bits of any values, many of them special, few NaN: [lanes, count]."""
    bits = rng.integers(0, 1 << form.bits, (LANES, count))
    bits = np.where(rng.random(bits.shape) < 0.3, rng.choice(special(form), bits.shape), bits)
    if form.integer:
        return bits
    return np.where((bits & (1 << form.bits - 1) - 1 >= form.nan) & (
        rng.random(bits.shape) < 0.9), form.infinity, bits)


@pytest.mark.parametrize(("name", "of_weight"), [
    *((name, name) for name in ("fp8_e5m2", "fp16", "bf16")), ("bf16", "int4"), ("fp16", "int8")])
def test_sums_are_infinite_or_nan_as_in_ieee_754(name, of_weight, tmp_path):
    form, weights = FORMATS[name], FORMATS[of_weight]
    rng, count = np.random.default_rng(754), 200_000
    design = Design(Pattern(LANES, LANES), format=name, weight_format=of_weight,
                    accumulator="fp32")
    x, w = drawn(form, count, rng), drawn(weights, count, rng)

    def build(m, given):
        m.submodules.decoder = decoder = FloatDecoder(design)
        m.d.comb += [*(decoder.values[lane].eq(given[f"x{lane}"]) for lane in range(LANES)),
                     decoder.step.eq(1)]
        row = decoder.shared
        found = specials(m, weights, [given[f"w{lane}"] for lane in range(LANES)], row.signs,
                         row.infinities, row.zeros)
        return {"nan": row.nan | found.nan, "infinite": found.infinite,
                "negative": found.negative}

    names = {f"{side}{lane}": bits for side, bits in (("x", form.bits), ("w", weights.bits))
             for lane in range(LANES)}
    found = run(Bench(names, {"nan": 1, "infinite": 1, "negative": 1}, build), tmp_path,
                **{f"{side}{lane}": bits[lane] for side, bits in (("x", x), ("w", w))
                   for lane in range(LANES)})
    values = [from_bits(torch.from_numpy(bits.astype(np.int64)), kind).double().numpy()
              for bits, kind in ((x, name), (w, of_weight))]
    with np.errstate(invalid="ignore"):
        total = (values[0] * values[1]).sum(0)
    nan, infinite = np.isnan(total), np.isinf(total)
    assert (found["nan"] == nan).all()
    assert (found["infinite"][~nan] == infinite[~nan]).all()
    assert (found["negative"][infinite] == (total[infinite] < 0)).all()
    assert min(nan.mean(), infinite.mean(), np.isfinite(total).mean()) > 0.03
