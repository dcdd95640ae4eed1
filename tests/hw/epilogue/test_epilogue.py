"""The epilogue's lane and the variance unit against the integers of the reference."""

import random
from functools import cache

import pytest
import torch

from hw.config import Design, Pattern
from hw.epilogue.epilogue import Epilogue
from hw.epilogue.lane import Lane
from hw.epilogue.variance import Gain
from hw.fixed_point import FLOATS, Output
from sw.exact.epilogue import correct, requantize, scale_to_float, variance_gain
from tests.hw.streams import drain, feed, simulate


DESIGN = Design(Pattern(2, 4), max_k=256, shift="mean", statistics=True)


def inputs(count, seed):
    """Accumulators with their terms; every second one so that results lie near ties and limits."""
    chance = random.Random(seed)
    for k in range(count):
        wide = k % 2
        yield {
            "accumulator": chance.randint(-2**31, 2**31 - 1) if wide
                           else chance.choice([0, chance.randint(-4000, 4000)]),
            "row_sum": chance.randint(-2**23, 2**23) if wide else chance.randint(-99, 99),
            "token": {"eta": chance.choice([0, -128, chance.randint(-128, 127)]),
                      "gain": chance.choice([0, 1 << 11, 1 << 12, 3 << 11, 65535,
                                             chance.randrange(1 << 16)]),
                      "scale": chance.choice([1 << 15, 65535, chance.randrange(1 << 16)])},
            "channel": {"scale": chance.choice([1 << 15, chance.randrange(64), 65535,
                                                chance.randrange(1 << 16)]), "unused": 0,
                        "shift": chance.choice([0, 4, 7, 31, chance.randrange(32)]),
                        "bias": chance.choice([0, -1, -2**23, 2**23 - 1,
                                               chance.randint(-999, 999)])},
            "last": chance.randrange(2),
        }


def reference(given, output, exponent):
    def tensor(value):
        return torch.tensor([[value]])

    token, channel = given["token"], given["channel"]
    corrected = correct(tensor(given["accumulator"]), tensor(given["row_sum"]),
                        tensor(token["gain"]), tensor(token["eta"]))
    terms = (corrected, *(tensor(channel[name]) for name in ("scale", "shift", "bias")),
             tensor(token["scale"]))
    if output == Output.CORRECTED:
        return corrected.item()
    if output == Output.INT8:
        return requantize(*terms).item()
    return scale_to_float(*terms, exponent=exponent, output=output).item()


@cache
def compiled_lane(design):
    """The lane of a design, which is compiled once for all tests of it."""
    return Lane(design)


def run_lane(given, output, exponent=0, stall=0.0, limit=100_000, design=DESIGN):
    lane, received = compiled_lane(design), []

    async def settings(ctx):
        ctx.set(lane.output, output)
        ctx.set(lane.exponent, exponent)

    simulate(lane, settings, feed(lane.i, given, stall=stall), drain(
        lane.o, len(given), received, stall=stall,
        read=lambda result: (result.value, result.last)), limit=limit)
    return received


@pytest.mark.parametrize(("output", "exponent", "stall"), [
    (Output.CORRECTED, 7, 0.4), (Output.INT8, -9, 0.0), (Output.INT8, -9, 0.4),
    (Output.FP32, -128, 0.4), (Output.FP32, 127, 0.0), (Output.BF16, -3, 0.4)])
def test_lane_computes_the_bits_of_the_reference(output, exponent, stall):
    given = list(inputs(40, seed=3))
    expected = [(reference(one, output, exponent), one["last"]) for one in given]
    assert run_lane(given, output, exponent, stall) == expected
    values = {value for value, _ in expected}
    assert output != Output.INT8 or {-128, 127} <= values  # saturates both ways
    assert exponent != 127 or FLOATS[output].infinity in values
    assert exponent != -128 or any(0 < value < 1 << FLOATS[output].mantissa for value in values)


@pytest.mark.parametrize("output", [Output.FP32, Output.BF16])
def test_lane_rounds_ties_and_powers_of_two(output):
    """Sums of two powers of two, of either sign: the bias alone."""
    digits = FLOATS[output].mantissa + 1
    biases = [sign * ((1 << k) + (1 << low if low >= 0 else 0)) for k in (0, 9, 22)
              for low in (-1, k - digits, k - digits - 1) for sign in (1, -1)]
    given = [{"accumulator": 0, "row_sum": 0, "token": {"eta": 0, "gain": 0, "scale": 0},
              "channel": {"scale": 0, "unused": 0, "shift": shift, "bias": bias}, "last": 0}
             for shift in (0, 31) for bias in biases]
    expected = [(reference(one, output, -128), 0) for one in given]
    assert run_lane(given, output, -128) == expected


@pytest.mark.parametrize("parameters", [
    {}, *(pytest.param(given, marks=pytest.mark.long)
          for given in ({"statistics": True}, {"shift": "median"}))], ids=str)
def test_a_lane_has_no_logic_for_terms_that_its_design_does_not_have(parameters):
    """It takes v as 1 and eta as 0, whatever the memory says that they come through."""
    design = Design(Pattern(2, 4), max_k=256, **parameters)
    given = list(inputs(40, seed=5))
    known = {} if design.statistics else {"gain": 1 << 12}
    known |= {} if design.dynamic_shift else {"eta": 0}
    expected = [(reference({**one, "token": one["token"] | known}, Output.INT8, 0), one["last"])
                for one in given]
    assert run_lane(given, Output.INT8, design=design) == expected


def test_lane_takes_one_accumulator_per_cycle():
    given = list(inputs(30, seed=4))
    assert len(run_lane(given, Output.INT8, limit=30 + Lane.latency + 2)) == 30


def test_row_leaves_as_long_after_its_last_columns_as_the_epilogue_says():
    epilogue = Epilogue(Design(Pattern(2, 4), max_k=256, columns=3, epilogue_lanes=2))
    times = {}

    async def watch(ctx):
        ctx.set(epilogue.corrections.output, Output.CORRECTED)
        for stream in (epilogue.i, epilogue.i_token, epilogue.i_row_sums):
            ctx.set(stream.valid, 1)
        ctx.set(epilogue.i_token.payload.gain, 1 << 12)
        ctx.set(epilogue.i.payload.accumulators, [5, -6, 7])
        ctx.set(epilogue.o.ready, 1)
        for cycle in range(epilogue.steps + epilogue.latency + 5):
            valid = ctx.get(epilogue.o.valid)
            if ctx.get(epilogue.i.ready) and "taken" not in times:
                times["taken"] = cycle
            if valid and "left" not in times:
                times["left"] = cycle
                assert [ctx.get(epilogue.o.payload.accumulators[k]) for k in range(3)] == [5, -6, 7]
            await ctx.tick()

    simulate(epilogue, watch)
    assert times["taken"] == epilogue.steps - 1
    assert times["left"] - times["taken"] == epilogue.latency


def tokens(features, count, seed):
    chance = torch.Generator().manual_seed(seed)
    z = torch.randint(-128, 128, (count, features), generator=chance)
    keep = torch.rand((count, features), generator=chance) < torch.rand((count, 1),
                                                                        generator=chance)
    kept = z * keep
    kept[0] = 0                          # no variance: 1
    kept[1] = z[1]                       # nothing dropped: 1
    kept[2] = 0
    kept[2, 0] = 1                       # hardly any variance: the largest gain
    z[3] = kept[3] = -128
    z[4] = 5
    kept[4] = 0
    kept[4, 1] = 5                       # less variance before than after
    return z, kept


@pytest.mark.parametrize("features", [5, 256])
def test_gain_is_that_of_the_reference(features):
    gain, received = Gain(256), []
    z, kept = tokens(features, 40, seed=features)
    given = [{"total": int(a.sum()), "squares": int(a.square().sum()),
              "kept_total": int(b.sum()), "kept_squares": int(b.square().sum())}
             for a, b in zip(z, kept, strict=True)]

    async def static(ctx):
        ctx.set(gain.features, features)

    simulate(gain, static, feed(gain.i, given), drain(gain.o, len(given), received),
             limit=len(given) * gain.interval)
    assert received == variance_gain(z, kept).flatten().tolist()
    assert received[:3] == [1 << 12, 1 << 12, (1 << 16) - 1]


def test_gain_is_the_root_of_the_ratio_of_the_variances():
    z, kept = tokens(256, 40, seed=1)
    exact = (z.double().var(-1) / kept.double().var(-1)).sqrt()[5:]
    got = variance_gain(z, kept).flatten()[5:] / (1 << 12)
    inside = exact < 15
    assert inside.sum() > 20
    assert (got - exact)[inside].abs().max() <= 0.75 / (1 << 12)  # half a unit, and the floor
