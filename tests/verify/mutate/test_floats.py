"""What is sent to parts that multiply, add, quantise and finish floats, and what is expected."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from hw.formats import FORMATS
from sim.vectors.floats import float_sums, kept_values
from sim.vectors.quantized import near_blocks
from sim.vectors.stimulus import number_rows
from sim.vectors.tokens import random_tokens
from sw.exact.formats import from_bits
from verify.mutate.components import COMPONENTS
from verify.mutate.float_checks import NO_TENSORS, _alone, _halves, _results, _tensors
from verify.mutate.float_parts import STEP_BITS, array_ports, array_width, sum_width
from verify.mutate.sum_checks import CHAINS, NONE, STEPS, _added, _field, _opposite, _steps


ARRAYS = ("array-fp8", "array-mxfp4", "array-bf16")


def design_of(name):
    return COMPONENTS[name].design


def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("name", ["array-bf16", "array-fp8"])
def test_the_last_step_of_some_sums_takes_back_the_first_one(name):
    """What is left of fp32 sums then has leading bits of every number, and none at all."""
    design = design_of(name)
    sums = float_sums(design, 64, 64, 3, rng())
    here = np.arange(64) % 4 == 1
    kept = kept_values(sums, design)
    sign = 1 << design.number.bits - 1
    assert (kept[here, 2] == kept[here, 0] ^ sign).all()
    assert (sums.w[here, 2] == sums.w[here, 0]).all()
    assert not (kept[~here, 2] == kept[~here, 0] ^ sign).all()
    sizes, calm = kept & sign - 1, np.arange(64) < 32
    assert (sizes[calm] <= design.number.max_bits).all()
    assert np.median(sizes[calm & here, 1]) < np.median(sizes[calm & ~here, 1])


def test_scales_of_the_last_block_are_those_of_the_first_where_it_is_taken_back():
    design = design_of("array-mxfp4")
    sums = float_sums(design, 16, 16, 20, rng())
    for scales in (sums.x_scales, sums.w_scales):
        assert (scales[1::4, 16:] == scales[1::4, :1]).all()
        assert not (scales[::4, 16:] == scales[::4, :1]).all()


def test_infinities_meet_zeros_without_nan_among_the_operands():
    design = design_of("array-bf16")
    found = float_sums(design, 400, 400, 4, rng())
    size = found.x & 0x7FFF
    third = np.arange(400)[:, None, None] // 100 == 2
    endless = found.masks & (size == 0x7F80) & third
    assert (endless & (found.w & 0x7FFF == 0)).any()
    assert not (size[:300] > 0x7F80).any()
    assert not (size[:200] == 0x7F80).any()


@pytest.mark.parametrize("name", ARRAYS)
def test_every_product_stands_alone_once_in_each_lane(name):
    """The other lane holds a zero beside a number."""
    design = design_of(name)
    sent, expected = _alone(design, rng())
    at, fields = 0, {}
    for port, width in array_ports(design).items():
        fields[port] = sent.data[:, at:at + width]
        at += width
    assert at == array_width(design) == sent.data.shape[1]
    x = number_rows(fields["values"], design.number.bits)
    w = number_rows(fields["weights"], design.weight.bits)[fields["masks"]].reshape(len(x), -1)
    sizes = [side & (1 << form.bits - 1) - 1
             for side, form in ((x, design.number), (w, design.weight))]
    normal = 1 << design.number.mantissa
    if design.number.bits > 8:  # significands alone
        found = [np.where(size < normal, size, size % normal + normal) for size in sizes]
    else:
        found = sizes
    for lane in range(2):
        one, other = (size[lane::2, lane] for size in found)
        assert len(np.unique(one << 8 | other)) == len(x) // 2
        beside = [size[lane::2, 1 - lane] for size in sizes]
        assert (np.minimum(*beside) == 0).all()
        assert (np.maximum(*beside) > 0).mean() > 0.8
    assert len(np.unique(expected.data, axis=0)) > 30


@pytest.mark.parametrize(("count", "times"), [(100, 1), (30, 64)])
def test_sums_are_half_way_between_numbers_of_binary32_or_a_bit_more(count, times):
    design = design_of("array-fp8-exact")
    sums = _halves(design, rng(), count, times)
    x, w = (from_bits(torch.from_numpy(side.astype(np.int64)), "fp8_e4m3").double()
            for side in (sums.x, sums.w))
    exact = (x * w * torch.from_numpy(sums.masks)).sum((1, 2))
    size, ties = exact.abs(), (sums.x[:, -1] == 0).all(-1)
    low = torch.from_numpy(2.0 ** np.floor(np.log2(size.numpy())))
    beyond = size / low * 2 ** 24 - 2 ** 24
    assert (beyond[ties] == 1).all(), "the first bit that binary32 has not"
    assert ((beyond[~ties] > 1) & (beyond[~ties] < 3)).all()
    assert len(beyond.unique()) > 8
    assert {-1.0, 1.0} == {*exact.sign().tolist()}


def test_sums_of_the_part_are_those_of_plain_python():
    """1.5, its opposite, an infinite step, and another sum with NaN; a cycle without a step."""
    size, one = STEP_BITS - 2, {"step": 1, "nan": 0, "infinite": 0, "negative": 0}
    field = 127 + 1
    steps = [{**one, "keep": 0, "value": 3 << size - 1, "field": field},
             {**one, "keep": 1, "value": -(3 << size - 1) + 1, "field": field},
             {**one, "keep": 1, "value": 0, "field": NONE, "step": 0},
             {**one, "keep": 1, "value": 1 << size, "field": 3, "infinite": 1, "negative": 1},
             {**one, "keep": 0, "value": 1 << size, "field": 3, "nan": 1}]
    total, seen = np.zeros(1), []
    for step in steps:
        total = _added(total, {name: np.array([number]) for name, number in step.items()})
        seen.append(float(total[0]))
    unit = 2.0 ** (field - 125 - STEP_BITS)
    assert seen[:4] == [(3 << size - 1) * unit, unit, unit, -np.inf]
    assert np.isnan(seen[4])
    assert sum_width(design_of("float-sum")) == STEP_BITS + 15


def test_steps_reach_every_kind_of_sum():
    """Normalised or zero, as the accumulator takes them; all sums from subnormal to infinite."""
    chance, total = rng(), np.zeros(CHAINS)
    kinds, lengths = set(), set()
    for k in range(STEPS):
        given = _steps(chance, total, first=k == 0)
        value = given["value"]
        assert (((value >> STEP_BITS - 1) != (value >> STEP_BITS - 2)) | (value == 0)).all()
        assert (given["field"][value == 0] == NONE).all()
        assert (given["keep"] | given["step"]).all()
        assert not ((given["nan"] | given["infinite"]) & ~given["step"]).any()
        before = np.where(given["keep"] == 1, total, 0)
        total = _added(total, given)
        size = np.abs(total)
        kinds |= {*np.select([np.isnan(size), np.isinf(size), size == 0, size < 2.0 ** -126],
                             [0, 1, 2, 3], 4).tolist()}
        shorter = np.isfinite(size) & (size > 0) & np.isfinite(before)
        lengths |= {*(np.frexp(before[shorter])[1] - np.frexp(total[shorter])[1]).tolist()}
    assert kinds == set(range(5))
    assert set(range(24)) <= lengths, "what is left has any number of bits less"


def test_the_opposite_of_a_sum_has_its_field():
    total = np.full(CHAINS, -1.25)
    assert (_field(total) == 127).all()
    assert (-5 << STEP_BITS - 4) * -1 in _opposite(rng(), total, _field(total))


def test_results_meet_biases_that_are_their_opposites_or_next_to_them():
    form = FORMATS["bf16"]
    value, bias = _results(form, rng()).T
    against = (value ^ bias) >> 15 == 1
    apart = (value & 0x7FFF) - (bias & 0x7FFF)
    for distance in (0, 1, -1, 2, 64):
        assert (against & (apart == distance)).sum() > 20
    assert (bias == 0).sum() > 1000


def test_scales_of_tensors_are_the_least_the_largest_and_none():
    found = _tensors(rng())
    least = 12 << 7
    assert {least, least + 1, 0x7F7F, *NO_TENSORS} <= {*found}
    assert all(least <= tensor < 0x7F80 for tensor in {*found} - {*NO_TENSORS})


def test_blocks_are_near_the_scale_of_the_tensor():
    """Else nearly all scales of blocks would be the least or the largest number of E4M3."""
    design = design_of("quantizer-nvfp4")
    tensor = 200 << 7
    field = (near_blocks(design, rng(), 400, tensor) >> 7 & 0xFF).max(1)
    near = (field >= 200 - 11) & (field < 200 + 15)
    assert near.mean() > 0.5
    assert {*range(200 - 11, 200 + 15)} <= {*field}


def test_tokens_that_are_quantised_are_refused_where_they_are_not_known():
    design = replace(Design(Pattern(2, 4)), format="bf16", quantize="fp8_e4m3")
    with pytest.raises(ValueError, match=r"^quantize must be none, not 'fp8_e4m3'"):
        random_tokens(design, 3000, rng())
