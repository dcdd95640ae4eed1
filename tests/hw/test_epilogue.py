"""The epilogue's lane and the variance unit against the integers of the reference."""

import random

import pytest
import torch

from hw.config import Design, Pattern
from hw.epilogue_format import Output
from hw.epilogue_lane import Lane
from hw.variance import Gain
from sw.epilogue import correct, requantize, variance_gain
from tests.hw.streams import drain, feed, simulate


DESIGN = Design(Pattern(2, 4), max_k=256)


def inputs(count, seed):
    """Accumulators with their terms; every second one so that results lie near ties and limits."""
    chance = random.Random(seed)
    for k in range(count):
        wide = k % 2
        yield {
            "accumulator": chance.randint(-2**31, 2**31 - 1) if wide
                           else chance.randint(-4000, 4000),
            "row_sum": chance.randint(-2**23, 2**23) if wide else chance.randint(-99, 99),
            "token": {"eta": chance.randint(-128, 127),
                      "gain": chance.choice([0, 1 << 11, 1 << 12, 3 << 11, 65535,
                                             chance.randrange(1 << 16)]),
                      "scale": chance.choice([1 << 15, 65535, chance.randrange(1 << 16)])},
            "channel": {"scale": chance.choice([1 << 15, chance.randrange(64),
                                                chance.randrange(1 << 16)]), "unused": 0,
                        "shift": chance.choice([0, 4, 7, 31, chance.randrange(32)]),
                        "bias": chance.choice([0, -2**23, 2**23 - 1, chance.randint(-999, 999)])},
            "output": chance.choice([Output.CORRECTED, Output.INT8]), "last": 0,
        }


def reference(given):
    def tensor(value):
        return torch.tensor([[value]])

    token, channel = given["token"], given["channel"]
    corrected = correct(tensor(given["accumulator"]), tensor(given["row_sum"]),
                        tensor(token["gain"]), tensor(token["eta"]))
    if given["output"] == Output.CORRECTED:
        return corrected.item()
    return requantize(corrected, tensor(channel["scale"]), tensor(channel["shift"]),
                      tensor(channel["bias"]), tensor(token["scale"])).item()


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_lane_computes_the_integers_of_the_reference(stall):
    lane, received = Lane(DESIGN), []
    given = list(inputs(600, seed=3))
    simulate(lane, feed(lane.i, given, stall=stall), drain(
        lane.o, len(given), received, stall=stall, read=lambda result: result.value))
    expected = [reference(one) for one in given]
    assert received == expected
    assert {-128, 127} <= set(expected)  # int8 saturates both ways


def test_lane_takes_one_accumulator_per_cycle():
    lane, received = Lane(DESIGN), []
    given = list(inputs(100, seed=4))
    simulate(lane, feed(lane.i, given), drain(lane.o, len(given), received),
             limit=100 + Lane.latency + 2)
    assert len(received) == 100


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
