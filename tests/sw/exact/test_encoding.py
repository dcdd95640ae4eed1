"""Compression: round trips, exhaustive masks, public known answer, illegal metadata."""

from itertools import combinations

import pytest
import torch

from hw.config import ENCODINGS, Pattern
from sw import compress, decompress, nm_prune
from sw.exact.encoding import Compressed, decode_mask, encode_mask
from tests.sw import plain


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("n", "m"), plain.PATTERNS)
@pytest.mark.parametrize("dtype", [torch.int8, torch.bfloat16, torch.float8_e4m3fn])
def test_round_trip_gives_the_pruned_tokens(encoding, n, m, dtype):
    x = (torch.randn(3, 5, 67, generator=torch.Generator().manual_seed(0)) * 40).to(dtype)
    compressed = compress(x, n, m, encoding)
    assert compressed.values.shape == (3, 5, -(-67 // m), n)
    assert torch.equal(decompress(compressed).float(), nm_prune(x, n, m).float())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("n", "m"), [(1, 4), (2, 4), (3, 7), (4, 8), (8, 8), (8, 16)])
def test_every_mask_survives(encoding, n, m):
    pattern = Pattern(n, m)
    numbers = sorted(sum(1 << k for k in kept) for kept in combinations(range(m), n))
    masks = (torch.tensor(numbers)[:, None] >> torch.arange(m) & 1).bool()
    metadata = encode_mask(masks, pattern, encoding)
    if encoding == "bitmask":
        assert metadata.tolist() == numbers
    if encoding == "rank":
        assert metadata.tolist() == list(range(len(numbers)))
    decoded, illegal = decode_mask(metadata, pattern, encoding)
    assert torch.equal(decoded, masks)
    assert not illegal.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_kept_values_keep_the_bits_of_any_nan(dtype):
    bits = torch.tensor([0x7FC1, -1, 0x7FFF, 5] * 64, dtype=torch.int16)
    compressed = compress(bits.view(dtype), 3, 4)
    assert compressed.values.view(torch.int16).flatten().tolist() == [0x7FC1, -1, 0x7FFF] * 64
    assert decompress(compressed).view(torch.int16).tolist() == [0x7FC1, -1, 0x7FFF, 0] * 64


def test_known_answer_of_public_silicon():
    # NVIDIA PTX ISA, spcompress, 2:4, s8, largest magnitude.
    words = torch.tensor([0x0003F900, 0x06030500], dtype=torch.int32)
    compressed = compress(words.view(torch.int8)[None], 2, 4, "index")
    assert compressed.values.flatten().view(torch.int32).item() == 0x060503F9
    nibbles = compressed.metadata.flatten().tolist()
    assert sum(nibble << 4 * k for k, nibble in enumerate(nibbles)) == 0x3121
    assert decompress(compressed).view(torch.int32).flatten().tolist() == [0x0003F900, 0x06000500]


@pytest.mark.parametrize(("encoding", "metadata"), [
    ("bitmask", [0b0111]), ("bitmask", [0b10001]), ("bitmask", [-1]), ("rank", [6]),
    ("rank", [-1]), ("index", [[1, 1]]), ("index", [[2, 1]]), ("index", [[1, 4]]),
    ("index", [[-1, 2]]),
])
def test_illegal_metadata_is_flagged(encoding, metadata):
    illegal = Compressed(torch.ones(1, 2), torch.tensor(metadata), Pattern(2, 4), encoding, 4)
    mask, flags = decode_mask(illegal.metadata, illegal.pattern, encoding)
    assert flags.tolist() == [True]
    assert not mask.any()
    with pytest.raises(ValueError, match=f"^metadata must be the {encoding} of a 2:4 block, not "):
        decompress(illegal)


@pytest.mark.parametrize(("n", "m", "expected"), [
    (2, 4, (4, 4, 3)), (4, 8, (8, 12, 7)), (8, 16, (16, 32, 14)), (16, 32, (32, 80, 30)),
])
def test_size_counts_metadata_as_hardware_stores_it(n, m, expected):
    sizes = [compress(torch.ones(m, dtype=torch.int8), n, m, e).bits - 8 * n for e in ENCODINGS]
    assert tuple(sizes) == expected


def test_rejects():
    with pytest.raises(ValueError, match=r"^encoding must be one of bitmask, index, rank, not"):
        compress(torch.ones(4), 2, 4, "x")
    with pytest.raises(ValueError, match=r"^mask must have exactly 2 values kept in each block, "
                                         r"not 3$"):
        encode_mask(torch.tensor([True, True, True, False]), Pattern(2, 4))
