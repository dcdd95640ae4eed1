"""Products of small floats: all pairs of values."""

import numpy as np
import pytest

from hw.array.float_product import Activation, base_bits, fixed_product, product_bits, whole
from hw.formats import FORMATS
from tests.hw.gates import Bench, run


@pytest.mark.parametrize("name", ["fp4_e2m1", "fp6_e2m3", "fp6_e3m2", "fp8_e4m3", "fp8_e5m2"])
def test_every_product_is_exact(name, tmp_path):
    form = FORMATS[name]
    half, width = 1 << form.bits - 1, product_bits(form)

    def build(m, given):
        exponent = None if whole(form) else given["exponent"]
        activation = Activation(given["sign"], given["base"], given["base"] * 3, exponent)
        bits, sign, lacks = fixed_product(m, form, activation, given["weight"])
        return {"product": bits, "above": sign, "lacks": lacks}

    finite = np.array([value for value in range(2 * half) if value & half - 1 <= form.max_bits])
    one, other = np.repeat(finite, len(finite)), np.tile(finite, len(finite))
    field = (one & half - 1) >> form.mantissa
    exponent = np.maximum(field, 1) - 1
    significand = one % (1 << form.mantissa) | (field > 0) << form.mantissa
    bench = Bench({"sign": 1, "base": base_bits(form), "exponent": form.exponent,
                   "weight": form.bits}, {"product": width, "above": 1, "lacks": 1}, build)
    found = run(bench, tmp_path, sign=one // half, exponent=exponent, weight=other,
                base=significand << exponent if whole(form) else significand)
    unit = 2.0 ** (2 * form.unit)
    for x, w, bits, sign, lacks in zip(one.tolist(), other.tolist(), *(
            found[name].tolist() for name in ("product", "above", "lacks")), strict=True):
        product = (bits % (1 << width)) + lacks - (sign << width)
        assert product == int(form.value(x) * form.value(w) / unit), (x, w)
    assert len(one) == (2 * form.max_bits + 2) ** 2
