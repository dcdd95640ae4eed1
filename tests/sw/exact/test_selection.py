"""Selection against plain Python."""

import pytest
import torch

from sw import nm_mask, nm_prune, unstructured_mask
from sw.exact.selection import DTYPES, block_mask
from tests.sw import plain


def sample(dtype, *shape, seed=0):
    """Values with many ties, and for floating point the special ones."""
    generator = torch.Generator().manual_seed(seed)
    if not dtype.is_floating_point:
        low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
        x = torch.randint(-4, 5, shape, generator=generator)
        extreme = torch.tensor([low, high, low + 1])[
            torch.randint(0, 3, shape, generator=generator)]
        return torch.where(torch.rand(shape, generator=generator) < 0.1, extreme, x).to(dtype)
    x = (torch.randn(shape, generator=generator) * 2).round() / 2
    special = torch.tensor([float("nan"), float("inf"), float("-inf"), -0.0, 1e-7])[
        torch.randint(0, 5, shape, generator=generator)]
    return torch.where(torch.rand(shape, generator=generator) < 0.2, special, x).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("n", "m"), plain.PATTERNS)
@pytest.mark.parametrize("features", [64, 67])
def test_mask_equals_plain_python(dtype, n, m, features):
    x = sample(dtype, 12, features)
    expected = [plain.flat_mask(token, n, m) for token in x.double().tolist()]
    assert nm_mask(x, n, m).tolist() == expected


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16])
@pytest.mark.parametrize(("n", "m"), plain.PATTERNS)
def test_integer_coefficients_are_exact(dtype, n, m):
    x = sample(dtype, 8, 70)
    coefficients = torch.randint(0, 1 << 16, (70,), generator=torch.Generator().manual_seed(1))
    expected = [plain.flat_mask(token, n, m, coefficients.tolist()) for token in x.tolist()]
    assert nm_mask(x, n, m, coefficients).tolist() == expected


def test_largest_integer_scores_do_not_overflow():
    x = torch.tensor([[-2 ** 31, 2 ** 31 - 1, 2 ** 31 - 1, -2 ** 31]], dtype=torch.int32)
    c = torch.tensor([2 ** 24 - 1, 2 ** 24 - 1, 2 ** 24 - 2, 2 ** 24 - 2])
    assert nm_mask(x, 2, 4, c).tolist() == [[True, True, False, False]]


def test_float_coefficients_multiply_in_float32():
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.bfloat16)
    coefficients = torch.tensor([4.5, 1.5, 1.0, 1.0])
    assert nm_mask(x, 2, 4, coefficients).tolist() == [[True, False, False, True]]


def test_lower_index_wins_ties():
    x = torch.tensor([5, -5, 5, 5], dtype=torch.int8)
    assert nm_mask(x, 2, 4).tolist() == [True, True, False, False]


def test_most_negative_value_is_the_largest():
    x = torch.tensor([127, 0, -128, 127], dtype=torch.int8)
    assert nm_mask(x, 1, 4).tolist() == [False, False, True, False]


def test_nan_ranks_above_infinity_and_zeros_are_equal():
    x = torch.tensor([float("inf"), -0.0, 0.0, float("nan")])
    assert nm_mask(x, 1, 4).tolist() == [False, False, False, True]
    assert nm_mask(x, 3, 4).tolist() == [True, True, False, True]


def test_nans_of_different_bits_are_equal():
    x = torch.tensor([0x7F81, 0x7FFF, 0x7F90, 0x7FC0], dtype=torch.int16).view(torch.bfloat16)
    assert nm_mask(x, 2, 4).tolist() == [True, True, False, False]


def test_exactly_n_are_kept_of_zeros():
    assert nm_mask(torch.zeros(2, 3, 32), 8, 16).sum().item() == 2 * 3 * 16


def test_short_block_keeps_padding_only_if_nothing_else_is_left():
    x = torch.zeros(1, 6, dtype=torch.int8)
    assert block_mask(x, 3, 4)[0, 1].tolist() == [True, True, True, False]
    assert nm_mask(x, 3, 4)[0].tolist() == [True, True, True, False, True, True]


@pytest.mark.parametrize("shape", [(16,), (3, 16), (2, 3, 16), (0, 16), (2, 0)])
def test_any_leading_shape(shape):
    mask = nm_mask(torch.ones(shape), 2, 4)
    assert mask.shape == shape
    assert mask.sum().item() == mask.numel() // 2


def test_rows_beyond_one_chunk_and_strided_inputs():
    x = torch.randn(4096, 300, generator=torch.Generator().manual_seed(0)).t()
    expected = torch.cat([nm_mask(row[None].contiguous(), 8, 16) for row in x])
    assert torch.equal(nm_mask(x, 8, 16), expected)


def test_threads_give_the_same_bits_and_leave_torch_as_it_was():
    x = sample(torch.bfloat16, 3000, 400)
    expected = torch.cat([nm_mask(part, 16, 32) for part in x.split(500)])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert torch.equal(nm_mask(x, 16, 32), expected)
        assert torch.get_num_threads() == 3
        with pytest.raises(ValueError, match=r"^coefficients must be from 0"):
            nm_mask(x, 16, 32, -torch.ones(400))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_prune_keeps_bits_of_kept_values_and_zeroes_the_rest(dtype):
    x = sample(dtype, 5, 67)
    mask, pruned = nm_mask(x, 8, 16), nm_prune(x, 8, 16)
    bits = {1: torch.int8, 2: torch.int16, 4: torch.int32}[x.element_size()]
    assert pruned.dtype == dtype
    assert torch.equal(pruned.view(bits), x.view(bits) * mask)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kept", [0, 1, 20, 33])
def test_unstructured_keeps_the_largest_of_the_token(dtype, kept):
    x = sample(dtype, 6, 33)
    expected = [plain.largest(token, kept) for token in x.double().tolist()]
    assert unstructured_mask(x, kept).tolist() == expected


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32])
@pytest.mark.parametrize("features", [100, 1000])  # int32 scores leave room for 128 indices
def test_unstructured_integer_coefficients_are_exact(dtype, features):
    x = sample(dtype, 4, features)
    factors = torch.randint(2 ** 24 - 9, 2 ** 24, (features,),
                            generator=torch.Generator().manual_seed(1))
    expected = [plain.largest(token, features // 3, factors.tolist()) for token in x.tolist()]
    assert unstructured_mask(x, features // 3, factors).tolist() == expected


def test_unstructured_float_coefficients():
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.bfloat16)
    coefficients = torch.tensor([4.5, 1.5, 1.0, 1.0])
    assert unstructured_mask(x, 2, coefficients).tolist() == [[True, False, False, True]]


@pytest.mark.parametrize("shape", [(16,), (2, 3, 16), (0, 16), (2, 0)])
def test_unstructured_of_any_leading_shape(shape):
    x = torch.ones(shape)
    kept = shape[-1] // 2
    assert unstructured_mask(x, kept).tolist() == (torch.arange(shape[-1]) < kept).expand(
        shape).tolist()


def test_unstructured_beyond_one_chunk_and_strided():
    x = torch.randint(-9, 9, (700, 1000), generator=torch.Generator().manual_seed(0)).half().t()
    order = x.abs().float().argsort(dim=-1, descending=True, stable=True)[:, :210]
    expected = torch.zeros_like(x, dtype=torch.bool).scatter_(1, order, True)
    assert torch.equal(unstructured_mask(x, 210), expected)


@pytest.mark.usefixtures("nothing_compiled")
def test_mask_compiles_without_graph_breaks():
    x = sample(torch.bfloat16, 4, 64)
    compiled = torch.compile(lambda t: nm_mask(t, 8, 16), backend="eager", fullgraph=True)
    assert torch.equal(compiled(x), nm_mask(x, 8, 16))
    compiled = torch.compile(lambda t: unstructured_mask(t, 19), backend="eager", fullgraph=True)
    assert torch.equal(compiled(x), unstructured_mask(x, 19))


@pytest.mark.parametrize(("arguments", "message"), [
    ((torch.ones(4), 5, 4), "n must be an integer from 1 to 4, not 5"),
    ((torch.ones(4), 0, 4), "n must be an integer from 1 to 4, not 0"),
    ((torch.ones(4), 2, 65), "m must be an integer from 2 to 64, not 65"),
    ((torch.ones(4, dtype=torch.float64), 2, 4),
     ("x must be of type int8, int16, int32, float8_e4m3fn, float8_e5m2, float16, bfloat16, "
      "float32, not float64")),
    ((torch.tensor(1.0), 2, 4),
     "x must have at least one dimension, the input features, not a scalar"),
    ((torch.ones(4), 2, 4, torch.ones(3)),
     "coefficients must have the shape (4,), one for each input feature, not (3,)"),
    ((torch.ones(4), 2, 4, -torch.ones(4)),
     "coefficients must be from 0 to 16777215, or floating-point numbers from 0, not -1"),
])
def test_rejects(arguments, message):
    with pytest.raises(ValueError, match="must") as caught:
        nm_mask(*arguments)
    assert str(caught.value) == message
