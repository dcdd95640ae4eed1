"""Shift, score, select and compress in one: the fall-back, and the Triton kernel where it runs.

Without a GPU the kernel runs in Triton's interpreter, see conftest.py.
"""

import importlib
import sys

import pytest
import torch

from hw.config import Pattern
from sw.exact.encoding import compress
from sw.kernel.fused import compress_shifted, shifted
from tests.sw.exact.test_selection import sample


DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32}
DTYPES = (torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16, torch.float32)


@pytest.fixture(scope="module")
def kernel():
    if sys.platform != "linux":
        pytest.skip("triton has no wheel for this platform")
    return importlib.import_module("sw.kernel.triton_kernel")


def assert_same(found, expected):
    assert torch.equal(found.metadata.cpu(), expected.metadata)
    kind = BITS[expected.values.element_size()]
    assert torch.equal(found.values.cpu().view(kind), expected.values.view(kind))
    assert (found.pattern, found.encoding, found.features) == (
        expected.pattern, expected.encoding, expected.features)


@pytest.mark.filterwarnings("ignore:invalid value encountered")  # infinity less infinity
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("pattern", "encoding"), [
    ("2:4", "bitmask"), ("4:8", "index"), ("8:16", "rank"), ("16:32", "bitmask"), ("1:64", "rank"),
    ("8:8", "index")])
def test_kernel_gives_the_bits_of_compress(kernel, dtype, pattern, encoding):
    pattern = Pattern.parse(pattern)
    x = sample(dtype, 2, 3, 67)
    factors = torch.Generator().manual_seed(1)
    integers = torch.randint(0, 1 << 16, (67,), generator=factors)
    for shift, coefficients in ((None, None), (sample(dtype, 2, 3, 1, seed=2), integers),
                                (sample(dtype, 67, seed=3), torch.rand(67, generator=factors)),
                                (sample(dtype, 1, seed=4), None)):
        on_device = [None if t is None else t.to(DEVICE) for t in (shift, coefficients)]
        found = kernel.compress_tokens(x.to(DEVICE), pattern, encoding, *on_device)
        assert_same(found, compress(shifted(x, shift), pattern.n, pattern.m, encoding,
                                    coefficients))


def test_kernel_takes_more_blocks_than_one_program(kernel):
    x = sample(torch.bfloat16, 40, 640)
    assert_same(kernel.compress_tokens(x.to(DEVICE), Pattern(8, 16), "bitmask", None, None),
                compress(x, 8, 16))


@pytest.mark.parametrize("dtype", [torch.int8, torch.bfloat16, torch.float8_e4m3fn])
def test_shift_then_compress(dtype):
    x, shift = sample(dtype, 4, 40), sample(dtype, 4, 1, seed=1)
    expected = x.double() - shift.double()
    if dtype == torch.int8:
        expected = expected.clamp(-128, 127)
    z = expected.float().to(dtype)
    assert torch.equal(shifted(x, shift).double().nan_to_num(), z.double().nan_to_num())
    found = compress_shifted(x.to(DEVICE), "8:16", "index", shift=shift.to(DEVICE))
    assert torch.equal(found.metadata.cpu(), compress(z, 8, 16, "index").metadata)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"encoding": "zip"}, "encoding must be one of bitmask, index, rank, not 'zip'"),
    ({"pattern": "8-16"}, "pattern must be written N:M, as in 8:16, not '8-16'"),
    ({"shift": torch.ones(3)}, ("shift must have one value for each token, (2, 1), or for each "
                                "input feature, (16,), not (3,)")),
    ({"coefficients": -torch.ones(16)},
     "coefficients must be from 0 to 16777215, or floating-point numbers from 0, not -1"),
])
def test_rejects(arguments, message):
    with pytest.raises(ValueError, match="must") as caught:
        compress_shifted(**{"x": torch.ones(2, 16, device=DEVICE), "pattern": "8:16", **arguments})
    assert str(caught.value) == message
