"""Parts of an accelerator alone: what is sent to them, and what is expected of them."""

from math import isqrt

import numpy as np
import pytest
import torch

from hw.epilogue.terms import LaneInput
from hw.fixed_point import Output
from hw.job.passes import Pass
from sw.exact.epilogue import root_of_ratio, variance_gain
from tests.wheel import needs_wheel
from verify.mutate.components import COMPONENTS
from verify.mutate.lapse import LEFT
from verify.mutate.part_checks import (
    SUMS,
    TOKENS,
    _numbers,
    _tokens,
    any_sums,
    packed,
    results,
    variances,
)
from verify.mutate.parts import PARTS, WALKS, part, taken
from verify.mutate.walk_checks import (
    WHOLE,
    WIDTHS,
    Size,
    _aborted,
    _beyond,
    _short,
    _walk,
    _whole,
)


DESIGN = COMPONENTS["lane"].design
WALKED = COMPONENTS["passes"].design

GIVEN = {"accumulator": -3, "row_sum": 5, "token": {"eta": -7, "gain": 4096, "scale": 1 << 15},
         "channel": {"scale": 512, "shift": 1, "unused": 5, "bias": -256}}
"""One payload; the token's scale is 1, the channel's 512 / 2 ** 9."""


def _columns(given):
    return {name: _columns(value) if isinstance(value, dict) else np.array([value])
            for name, value in given.items()}


def test_fields_stand_where_the_hardware_has_them():
    layout = LaneInput(DESIGN)
    bits, = packed(layout, _columns(GIVEN))
    whole = layout.const(GIVEN | {"last": 0}).as_bits()
    assert len(bits) == layout.size - 1, "all but last"
    assert [whole >> k & 1 for k in range(layout.size)] == [*bits.astype(int), 0]


def test_the_reference_is_asked_for_every_output():
    """-3 - 7 * 5 = -38 is corrected; the bias is 1 less."""
    given = _columns(GIVEN)
    assert results(DESIGN, given, Output.CORRECTED, 0) == -38
    assert results(DESIGN, given, Output.INT8, 0) == -39
    word = results(DESIGN, given, Output.FP32, 1) & 0xFFFF_FFFF
    assert np.array(word, np.uint32).view(np.float32) == -78.0
    word = results(DESIGN, given, Output.BF16, -1) & 0xFFFF
    assert np.array(word << 16, np.uint32).view(np.float32) == -19.5


@pytest.mark.parametrize("signed", [False, True])
def test_numbers_have_every_size_and_both_ends(signed):
    numbers = _numbers(np.random.default_rng(1), 8, signed)
    low, high = (-128, 127) if signed else (0, 255)
    assert {low, high, 0, 1, 64} <= set(numbers)
    assert numbers.min() == low
    assert numbers.max() == high
    assert {int(number).bit_length() for number in numbers if number >= 0} == set(
        range(8 if signed else 9))


def test_tokens_of_the_gain_have_every_factor():
    """The largest, 1, those below and above it, and none at all."""
    values, kept = _tokens(np.random.default_rng(1), 8)
    assert values.shape == kept.shape == (TOKENS, 8)
    assert ((kept == values) | (kept == 0)).all()
    assert {-128, 127, 0, 1} <= set(values.ravel())
    factor = variance_gain(torch.from_numpy(values), torch.from_numpy(kept)).numpy()
    for some in (factor == 0, factor == 65535, factor == 4096, factor < 4096,
                 (factor > 4096) & (factor < 8192), (factor > 32768) & (factor < 65535)):
        assert some.sum() > TOKENS / 200


def _fields(walk, job):
    """Fields of every pass of a job, in the order of the hardware."""
    bits, shape = _walk(WALKED, walk, job), Pass(WALKED)
    numbers = (bits * (1 << np.arange(bits.shape[1]))).sum(1)
    return [tuple(int(number) >> field.offset & (1 << field.width) - 1 for _, field in shape)
            for number in numbers]


def test_a_walk_is_a_batch_then_a_tile_then_a_chunk():
    """Tokens, blocks, first and last chunk, first and last tile, last batch."""
    most, rows = WALKED.max_blocks, WALKED.rows
    job = Size(most + 3, rows + 1, 2)
    chunks = [(most, 1, 0), (3, 0, 1)]
    tiles = [(1, 0), (0, 1)]
    expected = [(tokens, blocks, first, last, *tile, last_batch)
                for tokens, last_batch in ((rows, 0), (1, 1))
                for tile in tiles for blocks, first, last in chunks]
    assert _fields("tiles_all_chunks", job) == expected
    assert _fields("tiles_streamed_chunks", job) == expected, "chunks come again for every tile"
    assert _fields("tiles_all", job) == [
        (tokens, 0, 1, 1, *tile, last_batch) for tokens, last_batch in ((rows, 0), (1, 1))
        for tile in tiles]
    whole = Size(most, WALKED.batch_tokens + 1, 2)
    once = [(WALKED.batch_tokens, most, 1, 1, 1, 1, 0), (1, most, 1, 1, 1, 1, 1)]
    assert _fields("tiles_streamed_chunks", whole) == once, "a batch stays for every tile"
    assert len(_fields("tiles_all_chunks", whole)) == 4
    assert _fields("tiles_none", whole) == [(one[0], 0, *one[2:]) for one in once]
    assert _fields("tiles_all_chunks", job._replace(aborted=3)) == expected[:3]


def test_jobs_that_are_walked_have_every_bit_of_every_size():
    sizes = [*_short(WALKED, np.random.default_rng(1)), *_aborted(WALKED, np.random.default_rng(1))]
    for name, width in (("blocks", 24), ("tokens", 32), ("tiles", 32)):
        numbers = [getattr(size, name) for size in sizes]
        assert min(numbers) == 1
        assert {number.bit_length() for number in numbers} >= set(range(1, width + 1))
        assert max(numbers) < 1 << width
        full = {"blocks": WALKED.max_blocks, "tokens": WALKED.batch_tokens, "tiles": 1}[name]
        beyond = {size for size in sizes if size.aborted > 8}
        for bit in range(width - 1):
            assert full + (1 << bit) in {getattr(size, name) for size in beyond}


def test_jobs_of_every_power_of_two_are_walked_to_their_end():
    """And of one more, where each bit is 1 an odd number of times: in one chunk, and in two."""
    walked = [len(_walk(WALKED, "tiles_all_chunks", job)) for job in _whole(WALKED)]
    numbers = walked[::4]
    assert {1 << bit for bit in range(WHOLE)} | {(1 << bit) + 1 for bit in range(WHOLE)} == {
        *numbers}
    assert walked == [each for number in numbers for each in (number, 2 * number, number, number)]


def test_jobs_beyond_have_every_high_bit_of_every_size_and_few_passes_without_them():
    sizes = list(_beyond(WALKED, np.random.default_rng(1)))
    for name, width in WIDTHS.items():
        high = {getattr(size, name) >> LEFT for size in sizes}
        assert {1 << bit for bit in range(width - LEFT)} <= high
        assert max(high) < 1 << width - LEFT
    small = [Size(*(number % (1 << LEFT) for number in size)) for size in sizes]
    assert max(len(_walk(WALKED, "tiles_all_chunks", size)) for size in small) <= 10


@pytest.mark.parametrize("features", [1, 5, 12])
def test_sums_have_variances_and_ratios_at_which_a_factor_is_rounded(features):
    """None is negative; the nearest ratios to the largest factor, on both sides, are among them."""
    sums = any_sums(np.random.default_rng(1), features)
    dense, kept = (variances(sums, kind, features) for kind in ("", "kept_"))
    assert len(dense) == SUMS
    assert min(dense.min(), kept.min()) >= 0
    assert (sums["squares"] <= features << 14).all()
    assert {1 << 12, 65535} <= {*map(root_of_ratio, dense.tolist(), kept.tolist())}
    if features == 12:
        rounded = [isqrt((one << 26) // other) == 2 * 65535 + 1
                   for one, other in zip(dense.tolist(), kept.tolist(), strict=True) if other]
        assert sum(rounded) > 1


@needs_wheel
@pytest.mark.long
@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_made_of_modules_of_its_design(name):
    """One of its name, or one for each way to walk."""
    design = next(one.design for one in COMPONENTS.values() if one.top == name)
    text = part(name, design)
    assert text.count(f"module nm_{name}(") == 1
    assert f"[{taken(name, design) - 1}:0] m_axis_tdata" in text
    modules = {"passes": [f"accelerator_passes_{walk}" for walk in WALKS],
               "packet": ["accelerator_job_packet_17"],
               "float_array": ["array"], "float_lane": ["accelerator_float_lane_gelu"],
               "coefficients": ["accelerator_coefficient_loader"],
               "float_sum": ["array_float_accumulator_26_infinite", "array_round_row"],
               "row_sums": ["accelerator_weight_buffer"]}
    for module in modules.get(name, [f"accelerator_{name}"]):
        assert text.count(f"module nm_{module}(") == 1
