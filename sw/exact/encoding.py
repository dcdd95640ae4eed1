"""Dense blocks to compressed blocks and back: the N kept values of each block, and its mask.

Three encodings of the mask, all lossless:

* ``bitmask``: M bits, bit j set where feature j of the block is kept.
* ``index``: the N positions, ascending, ceil(log2 M) bits each.
* ``rank``: the place of the mask among all masks of the pattern, ordered as integers with bit 0
  for feature 0. Position ``p`` of kept value ``i`` adds C(p, i + 1) (combinadic), so that
  ceil(log2 C(M, N)) bits are enough.
"""

from dataclasses import dataclass
from math import comb

import torch
from torch import Tensor

from hw.config import ENCODINGS, Pattern, choice
from sw.exact.selection import block_mask, pad_features


__all__ = ["ENCODINGS", "Compressed", "compress", "decode_mask", "decompress", "encode_mask"]


@dataclass(frozen=True)
class Compressed:
    """Compressed blocks of some tokens.

    Attributes
    ----------
    values : Tensor
        Shape [..., blocks, n]: the kept values of each block, in ascending order of features.
    metadata : Tensor
        int64. ``bitmask`` and ``rank``: shape [..., blocks], one integer for each block (for
        m = 64 bit 63 of a bitmask is the sign). ``index``: shape [..., blocks, n], positions.
    pattern : Pattern
    encoding : str
        One of ``ENCODINGS``.
    features : int
        K, the input features of a token without padding.
    """

    values: Tensor
    metadata: Tensor
    pattern: Pattern
    encoding: str
    features: int

    @property
    def bits(self) -> int:
        """Size of values and metadata, in bits, as hardware stores them."""
        per_block = {"bitmask": self.pattern.bitmask_bits, "index": self.pattern.index_bits,
                     "rank": self.pattern.rank_bits}[self.encoding]
        blocks = self.values.numel() // self.pattern.n
        return 8 * self.values.element_size() * self.values.numel() + per_block * blocks


def binomials(pattern: Pattern, device: torch.device) -> Tensor:
    """C(position, taken) for every position of a block, [m, n + 1]."""
    table = [[comb(p, taken) for taken in range(pattern.n + 1)] for p in range(pattern.m)]
    return torch.tensor(table, dtype=torch.int64, device=device)


def _positions(mask: Tensor, n: int) -> Tensor:
    """Positions of the ``n`` set bits of every block, ascending, [..., n]."""
    return mask.nonzero()[:, -1].view(*mask.shape[:-1], n)


def encode_mask(mask: Tensor, pattern: Pattern, encoding: str = "bitmask") -> Tensor:
    """Return the metadata, as in ``Compressed``, of a mask [..., blocks, m] with n set bits each.

    Raises
    ------
    ValueError
        If the encoding is unknown, or a block has another number of bits set.
    """
    choice("encoding", encoding, ENCODINGS)
    counts = mask.sum(-1)
    if not bool((counts == pattern.n).all()):
        wrong = int(counts[counts != pattern.n][0])
        raise ValueError(f"mask must have exactly {pattern.n} values kept in each block, "
                         f"not {wrong}")
    if encoding == "bitmask":
        return (mask.long() << torch.arange(pattern.m, device=mask.device)).sum(-1)
    positions = _positions(mask, pattern.n)
    if encoding == "index":
        return positions
    taken = torch.arange(1, pattern.n + 1, device=mask.device)
    return binomials(pattern, mask.device)[positions, taken].sum(-1)


def decode_mask(metadata: Tensor, pattern: Pattern, encoding: str = "bitmask",
                ) -> tuple[Tensor, Tensor]:
    """Return the mask [..., blocks, m] and, for each block, whether its metadata is illegal.

    Illegal is what no block can have: a popcount that is not N, bits above M, positions that do
    not ascend or are not below M, a rank of C(M, N) or more. The mask of such a block is all
    zeros.
    """
    choice("encoding", encoding, ENCODINGS)
    bits = torch.arange(pattern.m, device=metadata.device)
    if encoding == "bitmask":
        mask = ((metadata[..., None] >> bits) & 1).bool()
        illegal = mask.sum(-1) != pattern.n
        if pattern.m < 64:
            illegal |= (metadata < 0) | (metadata >> pattern.m != 0)
    elif encoding == "index":
        mask = (metadata[..., None] == bits).any(-2)
        illegal = (metadata.diff(dim=-1) <= 0).any(-1)
        illegal |= ((metadata < 0) | (metadata >= pattern.m)).any(-1)
    else:
        illegal = (metadata < 0) | (metadata >= comb(pattern.m, pattern.n))
        mask = _unrank(metadata, pattern)
    return mask & ~illegal[..., None], illegal


def _unrank(rank: Tensor, pattern: Pattern) -> Tensor:
    """Mask of a rank: from the highest position down, a bit is set where its count still fits."""
    table = binomials(pattern, rank.device)
    left = torch.full_like(rank, pattern.n)
    bits = []
    for position in reversed(range(pattern.m)):
        count = table[position, left]
        bit = (left > 0) & (rank >= count)
        rank = torch.where(bit, rank - count, rank)
        left = left - bit.long()
        bits.append(bit)
    return torch.stack(bits[::-1], dim=-1)


def compress(x: Tensor, n: int, m: int, encoding: str = "bitmask",
             coefficients: Tensor | None = None) -> Compressed:
    """Compress tokens, keeping the values that ``nm_mask`` keeps.

    Parameters
    ----------
    x : Tensor
        Shape [..., K], any dtype of ``sw.exact.selection.DTYPES``.
    n, m : int
        Pattern.
    encoding : str
        ``bitmask``, ``index`` or ``rank``.
    coefficients : Tensor, optional
        Shape [K], factors of the score.

    Raises
    ------
    ValueError
        As ``nm_mask``, or if the encoding is unknown.
    """
    choice("encoding", encoding, ENCODINGS)
    pattern = Pattern(n, m)
    mask = block_mask(x, n, m, coefficients)
    blocks = _bits(pad_features(x, m)).reshape(mask.shape)
    values = blocks.gather(-1, _positions(mask, n)).view(x.dtype)
    return Compressed(values, encode_mask(mask, pattern, encoding), pattern, encoding,
                      x.shape[-1])


def decompress(compressed: Compressed) -> Tensor:
    """Return the dense tokens, [..., K]: kept values in their places, zeros elsewhere.

    Raises
    ------
    ValueError
        If a block has metadata that no block can have.
    """
    pattern = compressed.pattern
    mask, illegal = decode_mask(compressed.metadata, pattern, compressed.encoding)
    if bool(illegal.any()):
        place = illegal.nonzero()[0].tolist()
        raise ValueError(f"metadata must be the {compressed.encoding} of a {pattern} block, "
                         f"not {compressed.metadata[tuple(place)].tolist()} (block {place})")
    values = _bits(compressed.values)
    blocks = torch.zeros(mask.shape, dtype=values.dtype, device=values.device)
    blocks.scatter_(-1, _positions(mask, pattern.n), values)
    return blocks.flatten(-2)[..., :compressed.features].contiguous().view(compressed.values.dtype)


def _bits(x: Tensor) -> Tensor:
    """The same bits as integers: moving floating-point numbers may change the bits of a NaN."""
    return x.view({1: torch.int8, 2: torch.int16, 4: torch.int32}[x.element_size()])
