"""Streams of random tokens for a compressor, and what has to come out of it."""

from dataclasses import dataclass

import numpy as np
import torch

from hw.config import Design
from hw.stream.payloads import TokenSums
from sim.vectors.stimulus import bit_rows, raw_blocks
from sw import nm_mask
from sw.exact.compressor import compress_tokens
from sw.exact.encoding import compress, encode_mask
from sw.exact.formats import from_bits, to_bits


__all__ = ["Beats", "Tokens", "random_tokens"]


@dataclass(frozen=True)
class Beats:
    """Beats of one stream, as bits, bit 0 first.

    Attributes
    ----------
    data : ndarray
        bool, [count, bits].
    last : ndarray
        bool, [count].
    user : ndarray
        bool, [count, bits]; no bits where there is no ``tuser``.
    """

    data: np.ndarray
    last: np.ndarray
    user: np.ndarray

    def __getitem__(self, part: slice) -> "Beats":
        return Beats(self.data[part], self.last[part], self.user[part])


@dataclass(frozen=True)
class Tokens:
    """A stream of tokens.

    Attributes
    ----------
    dense, compressed : Beats
        Input and output of the compressor.
    mask : ndarray
        bool, [count, m].
    channel : ndarray
        bool, [blocks, bits]: beats of the channels' parameters, none where there are none.
    shift : int
        What the port ``shift`` carries.
    """

    dense: Beats
    compressed: Beats
    mask: np.ndarray
    channel: np.ndarray
    shift: int


def random_tokens(design: Design, blocks: int, rng: np.random.Generator) -> Tokens:
    """Tokens of 1 to ``design.max_blocks`` blocks, ``blocks`` or a few more in all.

    The first two are as long as can be, of the largest and of the smallest integer. ``blocks`` is
    at least twice ``design.max_blocks``.

    Raises ValueError for a design that quantises: :mod:`sim.vectors.quantized` has its tokens.
    """
    if design.quantize != "none":
        raise ValueError(f"quantize must be none, not {design.quantize!r}")
    number, pattern = design.number, design.pattern
    dense = raw_blocks(number, pattern.m, blocks, rng)
    rng.shuffle(dense)
    longest = design.max_blocks
    half = 1 << number.bits - 1
    dense[:longest], dense[longest:2 * longest] = half - 1, half  # the ends of every sum
    lengths = [longest, longest]
    while sum(lengths) < len(dense):
        lengths.append(min(int(rng.integers(1, longest + 1)), len(dense) - sum(lengths)))
    ends = np.cumsum(lengths)
    last = np.zeros(len(dense), bool)
    last[ends - 1] = True
    features = longest * pattern.m
    factors = rng.integers(0, 1 << design.coefficients, features)
    shifts = rng.integers(-half, half, features)
    scalar = int(rng.integers(-half, half))
    shift = {"scalar": scalar, "channel": torch.from_numpy(shifts)}.get(design.shift, design.shift)

    values = from_bits(torch.from_numpy(dense.astype(np.int64)), number.name)
    if number.integer:
        rows = _integer_rows(design, values, ends, torch.from_numpy(factors), shift)
    else:
        rows = _float_rows(design, values)
    data = [bit_rows(to_bits(part, number.name).numpy(), number.bits)
            for part in (rows["kept"], *([rows["dropped"]] if design.complement else []))]
    user = [_metadata(design, rows["mask"])]
    if design.dynamic_shift:
        user.append(bit_rows(rows["eta"].numpy() & 2 * half - 1, number.bits))
    if design.statistics:
        fields = dict(TokenSums(design, design.max_blocks))
        user += [bit_rows(rows["sums"][:, k].numpy() & (1 << field.width) - 1, field.width)
                 for k, field in enumerate(fields.values())]
    parameters = [bit_rows(factors.reshape(design.max_blocks, -1), design.coefficients)]
    if design.shift == "channel":
        parameters.append(bit_rows(shifts.reshape(design.max_blocks, -1) & 2 * half - 1,
                                   number.bits))
    return Tokens(
        dense=Beats(bit_rows(dense, number.bits), last, np.zeros((len(dense), 0), bool)),
        compressed=Beats(np.concatenate(data, 1), last, np.concatenate(user, 1)),
        mask=rows["mask"].numpy(), shift=scalar,
        channel=np.concatenate(parameters, 1)[:design.max_blocks if design.channel_bits else 0])


def _float_rows(design, values):
    """Mask and kept and dropped values of blocks [B, M]."""
    pattern = design.pattern
    mask = nm_mask(values, pattern.n, pattern.m)
    others = to_bits(values, design.format)[~mask].view(len(mask), -1)
    return {"mask": mask, "kept": compress(values, pattern.n, pattern.m).values.flatten(0, 1),
            "dropped": from_bits(others, design.format)}


def _integer_rows(design, values, ends, factors, shift):
    """What the reference gives for every block, tokens of one length at a time."""
    pattern, size = design.pattern, len(values)
    rows = {
        "mask": torch.zeros(size, pattern.m, dtype=torch.bool),
        "kept": torch.zeros(size, pattern.n, dtype=torch.int8),
        "dropped": torch.zeros(size, pattern.m - pattern.n, dtype=torch.int8),
        "eta": torch.zeros(size, 1, dtype=torch.int64),
        "sums": torch.zeros(size, 4, dtype=torch.int64),
    }
    starts = np.concatenate([[0], ends[:-1]])
    for length in np.unique(ends - starts):
        places = starts[ends - starts == length][:, None] + np.arange(length)
        features = length * pattern.m
        result = compress_tokens(
            values[places].flatten(1), pattern, bits=design.number.bits,
            coefficients=factors[:features] if design.coefficients else None,
            shift=shift[:features] if isinstance(shift, torch.Tensor)
            else 0 if shift == "none" else shift)
        running = torch.stack([part.long().pow(power).sum(-1).cumsum(-1)
                               for part in (result.z, result.kept) for power in (1, 2)], -1)
        assert torch.equal(running[:, -1], result.sums)
        rows["mask"][places] = result.mask
        rows["kept"][places] = result.kept
        rows["dropped"][places] = result.dropped
        rows["sums"][places] = running
        if design.dynamic_shift:
            rows["eta"][places, 0] = result.eta[:, None].expand(places.shape)
    return rows


def _metadata(design, mask):
    """Metadata of blocks as bits."""
    if design.encoding == "bitmask":
        return mask.numpy()
    numbers = encode_mask(mask, design.pattern, design.encoding)
    per_block = design.pattern.n if design.encoding == "index" else 1
    return bit_rows(numbers.numpy(), design.metadata_bits // per_block)
