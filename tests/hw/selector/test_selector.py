"""Every selector marks the same scores as a sort in Python, whatever the structure."""

import random
import re

import pytest
from amaranth.sim import Simulator

from hw import config
from hw.config import Pattern
from hw.selector import COMBINATIONAL, make_select_stage, make_selector


PATTERNS = ["2:4", "4:8", "8:16", "16:32", "1:2", "1:4", "3:4", "3:7", "5:7", "6:16",
            "1:64"]
WIDTH = 8


def expected_mask(scores, n):
    """Larger score first, then the lower index."""
    order = sorted(range(len(scores)), key=lambda k: (-scores[k], k))
    return sum(1 << k for k in order[:n])


def blocks(size, width, count, seed):
    """Adversarial blocks, then random ones with many and with few ties."""
    top = (1 << width) - 1
    rng = random.Random(seed)
    yield from ([value] * size for value in (0, 1, top >> 1, (top >> 1) + 1, top))
    ramp = [min(k, top) for k in range(size)]
    yield from (ramp, ramp[::-1])
    for position in (0, size // 2, size - 1):
        yield [top if k == position else 0 for k in range(size)]
        yield [0 if k == position else top for k in range(size)]
    for _ in range(count):
        low = rng.randint(0, top)
        high = min(top, low + rng.choice([0, 1, 2, 7, top]))
        yield [rng.randint(low, high) for _ in range(size)]
        yield [rng.choice([low, high]) for _ in range(size)]
        flip = 1 << rng.randrange(width)
        yield [low ^ (flip * rng.randint(0, 1)) for _ in range(size)]


def check(name, pattern, width, count):
    dut = make_selector(name, pattern, width)
    sim = Simulator(dut)

    async def bench(ctx):
        for scores in blocks(pattern.m, width, count, seed=f"{name} {pattern} {width}"):
            ctx.set(dut.scores, scores)
            assert ctx.get(dut.mask) == expected_mask(scores, pattern.n), scores

    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("text", PATTERNS)
@pytest.mark.parametrize("name", COMBINATIONAL)
def test_mask_marks_the_n_largest_scores(name, text):
    pattern = Pattern.parse(text)
    check(name, pattern, WIDTH, count=400 // pattern.m)


@pytest.mark.parametrize("width", [1, 2, 7, 16])
@pytest.mark.parametrize("name", COMBINATIONAL)
def test_any_width_of_the_scores(name, width):
    check(name, Pattern(4, 8), width, count=50)


@pytest.mark.parametrize(("name", "flexible", "size"), [
    ("radix", "n", 4), ("radix", "n", 7), ("radix", "n", 16),
    ("rank", "n", 7), ("rank", "n", 16), ("rank", "all", 2), ("rank", "all", 8),
    ("rank", "all", 32)])
def test_pattern_at_run_time(name, flexible, size):
    dut = make_selector(name, Pattern(1, size), WIDTH, flexible)
    sim = Simulator(dut)
    logs = range(1, size.bit_length()) if flexible == "all" else [0]

    async def bench(ctx):
        for k, scores in enumerate(blocks(size, WIDTH, 40, seed=f"{name} {flexible} {size}")):
            log = logs[k % len(logs)]
            block = 1 << log if log else size
            n = k // len(logs) % block + 1
            ctx.set(dut.scores, scores)
            ctx.set(dut.n, n)
            if log:
                ctx.set(dut.size, log)
            assert ctx.get(dut.mask) == sum(
                expected_mask(scores[start:start + block], n) << start
                for start in range(0, size, block)), (n, block, scores)

    sim.add_testbench(bench)
    sim.run()


def test_combinational_selectors_have_names_of_the_configuration():
    assert set(COMBINATIONAL) == set(config.SELECTORS) - {"serial"}


def test_unknown_selector_is_refused():
    with pytest.raises(ValueError, match=r"^selector must be one of rank, radix, network, not "
                                         r"'sort'$"):
        make_selector("sort", Pattern(2, 4), WIDTH)


def test_dense_pattern_is_refused():
    with pytest.raises(ValueError, match=r"^pattern must have n < m to need a selector, "
                                         r"not '4:4'$"):
        make_selector("rank", Pattern(4, 4), WIDTH)


@pytest.mark.parametrize(("arguments", "message"), [
    (("sort", 0, "none"), "selector must be one of rank, radix, network, serial, not 'sort'"),
    (("rank", 1, "none"), "stages must be 0 with the selector rank, not 1"),
    (("serial", 2, "none"), "stages must be 0 with the selector serial, not 2"),
    (("radix", 10, "none"), "stages must be an integer from 0 to 9, not 10"),
    (("radix", -1, "none"), "stages must be an integer from 0 to 9, not -1"),
    (("network", 0, "n"), "flexible must be one of none with the selector network, not 'n'"),
    (("radix", 2, "all"), "flexible must be one of none, n with the selector radix, not 'all'"),
    (("serial", 0, "m"), "flexible must be one of none, n, all, not 'm'"),
    (("serial", 0, "all"), "m must be a power of two for flexible 'all', not 12"),
])
def test_stage_that_does_not_exist_is_refused(arguments, message):
    name, stages, flexible = arguments
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_select_stage(name, 1, Pattern(3, 12), WIDTH, stages=stages, flexible=flexible)
