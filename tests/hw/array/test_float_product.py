"""Products of small floats: all pairs of values."""

import numpy as np
import pytest

from hw.array.float_product import Activation, base_bits, fixed_product, product_bits, whole
from hw.formats import FORMATS
from tests.hw.gates import Bench, run


def finite(form):
    """Bits of all finite values."""
    half = 1 << form.bits - 1
    return np.array([value for value in range(2 * half)
                     if form.integer or value & half - 1 <= form.max_bits])


@pytest.mark.parametrize(("name", "of_weight"), [
    *((name, name) for name in ("fp4_e2m1", "fp6_e2m3", "fp6_e3m2", "fp8_e4m3", "fp8_e5m2")),
    *(("fp8_e4m3", weight) for weight in ("int4", "int8", "fp4_e2m1"))])
def test_every_product_is_exact(name, of_weight, tmp_path):
    form, weights = FORMATS[name], FORMATS[of_weight]
    half, width = 1 << form.bits - 1, product_bits(form, weights)

    def build(m, given):
        exponent = None if whole(form) else given["exponent"]
        activation = Activation(given["sign"], given["base"], given["base"] * 3, exponent)
        bits, sign, lacks = fixed_product(m, form, weights, activation, given["weight"])
        return {"product": bits, "above": sign, "lacks": lacks}

    left, right = finite(form), finite(weights)
    one, other = np.repeat(left, len(right)), np.tile(right, len(left))
    field = (one & half - 1) >> form.mantissa
    exponent = np.maximum(field, 1) - 1
    significand = one % (1 << form.mantissa) | (field > 0) << form.mantissa
    bench = Bench({"sign": 1, "base": base_bits(form), "exponent": form.exponent,
                   "weight": weights.bits}, {"product": width, "above": 1, "lacks": 1}, build)
    found = run(bench, tmp_path, sign=one // half, exponent=exponent, weight=other,
                base=significand << exponent if whole(form) else significand)
    unit = 2.0 ** (form.unit + weights.unit)
    for x, w, bits, sign, lacks in zip(one.tolist(), other.tolist(), *(
            found[name].tolist() for name in ("product", "above", "lacks")), strict=True):
        product = (bits % (1 << width)) + lacks - (sign << width)
        assert product == int(form.value(x) * weights.value(w) / unit), (x, w)
    assert len(left) == 2 * form.max_bits + 2
