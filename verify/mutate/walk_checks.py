"""What is checked of the walk through the passes of a job: against its description, in full."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hw.config import Design
from hw.job.passes import Pass
from sim.runs.soak.streams import compare
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from verify.mutate.lapse import LEFT, lapse
from verify.mutate.part_checks import packed
from verify.mutate.parts import WALKS


__all__ = ["WIDTHS", "passes"]


SHORT = 300
"""Jobs of a few passes, some of which are aborted; of sizes from 1 to the largest."""

STALLS = (0.0, 0.5)
"""Chances of pauses."""

WHOLE = 12
"""Bits of the sizes of jobs that are walked through to the end, with pauses, too."""

LONG = (1 << 18) - 1
"""Passes of the longest job; a bit that is wrong in every other pass is so in the last one."""


WIDTHS = {"blocks": 24, "tokens": 32, "tiles": 32}
"""Bits of the sizes of a job."""


class Size(NamedTuple):
    """A job; it is aborted after so many passes, if any."""

    blocks: int
    tokens: int
    tiles: int
    aborted: int = 0


def passes(design: Design) -> Callable[[Any], None]:
    """Every variant walks through short jobs, aborted ones of every size, and very long ones."""
    rng = generator("passes", design)
    jobs = [*_short(design, rng), *_aborted(design, rng), *_whole(design)]
    long = [Size(1, LONG * design.batch_tokens - 1, 1), Size((1 << 24) - 257, 1, 1),
            Size(1, 1, LONG), Size(design.max_blocks + 1, 1, LONG // 2)]
    beyond = list(_beyond(design, rng))
    cycles: dict[tuple[int, str], int] = {}

    def check(built: Any) -> None:
        for walk in WALKS:
            for stall in STALLS:
                _drive(built, design, walk, jobs, stall, cycles)
        for walk in WALKS:
            for size in long:
                _drive(built, design, walk, [size], 0.0, cycles)
            for size in beyond:
                _leap(built, design, walk, size)

    return check


def _short(design: Design, rng: np.random.Generator) -> Iterator[Size]:
    """Jobs of up to three chunks, batches and tiles, and a few more tokens than rows in chunks."""
    for _ in range(SHORT):
        chunks = int(rng.integers(1, 4))
        whole = design.max_blocks * (chunks - 1)
        most = design.rows if chunks > 1 else design.batch_tokens
        yield Size(whole + _some(rng, design.max_blocks), _some(rng, 3 * most),
                   int(rng.integers(1, 4)))


def _some(rng: np.random.Generator, most: int) -> int:
    """A number from 1: any one, or one of the ends."""
    return int(rng.choice([1, 2, most - 1, most, int(rng.integers(1, most + 1))]))


def _aborted(design: Design, rng: np.random.Generator) -> Iterator[Size]:
    """Sizes with one bit beyond those that a few passes go through, and any others.

    Each of them in one chunk, and in two; one bit beyond a whole chunk and batch as well, with
    other sizes that are large, too.
    """
    for bit, whole in product(range(32), (0, design.max_blocks)):
        for name, width in WIDTHS.items():
            top = 1 << bit % width
            for number, after in ((top + int(rng.integers(3)), 6),
                                  (int(rng.integers(1, top + 1)), int(rng.integers(1, 9)))):
                blocks, tokens, tiles = (int(few) for few in rng.integers(1, 4, 3))
                size = Size(whole + blocks, tokens, tiles, after)
                yield size._replace(**{name: number})
    for bit in range(32):
        full = {"blocks": design.max_blocks, "tokens": design.batch_tokens, "tiles": 1}
        for name, width in WIDTHS.items():
            beyond = {name: full[name] + (1 << bit % (width - 1))}
            any_size = {each: int(rng.integers(1, 1 << bits)) for each, bits in WIDTHS.items()}
            yield Size(**full | beyond, aborted=9)
            yield Size(**any_size | beyond, aborted=9)


def _whole(design: Design) -> Iterator[Size]:
    """Jobs of so many tiles, batches or chunks, to their end: where one bit of them is 1.

    A counter that runs through all of its values has each bit 1 an even number of times, so that
    what is inverted then is inverted back: so does each of one more, but for once.
    """
    for number in sorted({(1 << bit) + more for bit in range(WHOLE) for more in (0, 1)}):
        yield Size(1, 1, number)
        yield Size(design.max_blocks + 1, 1, number)
        yield Size(1, design.batch_tokens * number, 1)
        yield Size(design.max_blocks * number, 1, 1)


def _beyond(design: Design, rng: np.random.Generator) -> Iterator[Size]:
    """Jobs of a few passes, but for high bits of one size: each of them, and any others.

    What is loaded again meanwhile is small.
    """
    most = design.max_blocks
    for name, few in (("blocks", Size(2 * most + 3, 2, 1)), ("tiles", Size(most + 1, 2, 5)),
                      ("tokens", Size(1, design.batch_tokens + 3, 2))):
        width = WIDTHS[name]
        for high in (*(1 << bit for bit in range(LEFT, width)),
                     *(int(number) << LEFT for number in rng.integers(1 << width - LEFT, size=6))):
            yield few._replace(**{name: high + getattr(few, name)})


def _leap(built: Any, design: Design, walk: str, size: Size) -> None:
    """Begin a job; when what is left has lost its high bits, the passes of a small one are left."""
    small = Size(*(number % (1 << LEFT) for number in size))
    after = Size(1, 1, 1)
    expected = np.concatenate([_walk(design, walk, small), _walk(design, walk, after)])
    if (begun := min(2, len(expected) - 2)) == 0:
        return  # a walk that does not follow this size
    expected[:begun] = _walk(design, walk, size._replace(aborted=begun))
    built.reset()
    for job, part in ((size, expected[:begun]), (after, expected[begun:])):
        out, _ = built.run(_beats(_sent([job])), len(part), limit=1000, shift=WALKS.index(walk))
        compare(out, _beats(part), walk)
        lapse(built)


def _sent(jobs: list[Size]) -> np.ndarray:
    """Bits of the beats of jobs."""
    sizes = np.array([(*size, 0) for size in jobs], np.int64)
    return np.concatenate([bit_rows(sizes[:, k], bits)
                           for k, bits in enumerate((24, 32, 32, 7, 1))], 1)


def _beats(rows: np.ndarray) -> Beats:
    """Rows of bits, each of them the last."""
    return Beats(rows, np.ones(len(rows), bool), np.zeros((len(rows), 0), bool))


def _drive(built: Any, design: Design, walk: str, jobs: list[Size], stall: float,
           cycles: dict[Any, int]) -> None:
    """Walk through jobs, several of them cut short by a reset first, and compare every pass."""
    sent = _sent(jobs)
    expected = np.concatenate([_walk(design, walk, size) for size in jobs])
    for count in (len(expected),) if len(jobs) == 1 else (len(expected) // 2, len(expected)):
        built.reset()
        out, took = built.run(_beats(sent), count, limit=1000 + 20 * count, stall=stall,
                              shift=WALKS.index(walk))
        compare(out, _beats(expected[:count]), walk)
        key = walk, stall, len(jobs), jobs[0], count
        assert cycles.setdefault(key, took) == took, "another number of cycles"


def _walk(design: Design, walk: str, job: Size) -> np.ndarray:
    """Bits of the passes of a job: for each batch, for each tile, for each chunk."""
    chunked = job.blocks > design.max_blocks
    batch = design.rows if chunked else design.batch_tokens
    chunks = -(-job.blocks // design.max_blocks) if walk.endswith("chunks") else 1
    tiles = 1 if "none" in walk or ("streamed" in walk and not chunked) else job.tiles
    batches = -(-job.tokens // batch)
    places = np.arange(min(job.aborted or np.inf, batches * tiles * chunks))
    at_chunk, at_tile = places % chunks, places // chunks % tiles
    at_batch = places // (chunks * tiles)
    fields = {
        "tokens": np.minimum(batch, job.tokens - at_batch * batch),
        "blocks": np.minimum(design.max_blocks, job.blocks - at_chunk * design.max_blocks),
        "first_chunk": at_chunk == 0, "last_chunk": at_chunk == chunks - 1,
        "first_tile": at_tile == 0, "last_tile": at_tile == tiles - 1,
        "last_batch": at_batch == batches - 1,
    }
    if not walk.endswith("chunks"):  # they are without meaning
        fields["blocks"] = np.zeros(len(places), np.int64)
    return packed(Pass(design), fields)
