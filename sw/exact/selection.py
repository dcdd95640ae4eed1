"""Which values of a block are kept: exact, deterministic, the same bits as the hardware.

Larger score first. Between equal scores the lower index wins. NaN ranks above everything, all
NaNs are equal, and -0 equals +0. Of every block exactly N slots are kept, also where kept values
are zero. A last block shorter than M is padded with zeros at its end: a padding slot is only kept
where fewer than N values are left, and the mask, cut to K features, then holds fewer than N ones
in that block (all the real ones).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import Pattern
from hw.formats import FORMATS
from sw.exact.formats import TYPES
from sw.exact.graph import is_recorded, refuse_trace
from sw.exact.network import nth_largest


__all__ = ["DTYPES", "block_mask", "check_coefficients", "energy_kept", "nm_mask", "nm_prune",
           "pad_features", "scores", "unstructured_mask"]


_SIGNED = {1: torch.int8, 2: torch.int16, 4: torch.int32}
_UNSIGNED = {1: torch.uint8, 2: torch.uint16, 4: torch.uint32}

DTYPES = (torch.int8, torch.int16, torch.int32, torch.float8_e4m3fn, torch.float8_e5m2,
          torch.float16, torch.bfloat16, torch.float32)
"""Types that can be selected from. int4 values travel as int8."""

_NAN = {TYPES[name]: number.nan for name, number in FORMATS.items() if number.nan}
_NAN[torch.float32] = 0x7F800001
"""Smallest bits without sign that are NaN."""

_CHUNK = 1 << 19
"""Values worked on at a time on a CPU: the slices of one chunk stay in the cache."""


def _check(x: Tensor) -> None:
    refuse_trace()
    if x.dtype not in DTYPES:
        names = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
        raise ValueError(f"x must be of type {names}, not {str(x.dtype).removeprefix('torch.')}")
    if x.dim() == 0:
        raise ValueError("x must have at least one dimension, the input features, not a scalar")


def _magnitudes(x: Tensor) -> tuple[Tensor, int]:
    """Integers that order like |x|, in the narrowest type, and how many bits they need."""
    size = x.element_size()
    if not x.is_floating_point():
        # The magnitude of the most negative value wraps to itself: read it unsigned.
        return x.abs().view(_UNSIGNED[size]), 8 * size
    bits = x.view(_SIGNED[size]) & ((1 << 8 * size - 1) - 1)
    return bits.clamp_max(_NAN[x.dtype]), 8 * size - 1  # all NaNs are equal


def check_coefficients(x: Tensor, coefficients: Tensor | None) -> None:
    """Raise ValueError if the coefficients are none that ``scores`` takes."""
    if coefficients is None:
        return
    if coefficients.shape != x.shape[-1:]:
        raise ValueError(f"coefficients must have the shape {tuple(x.shape[-1:])}, one for each "
                         f"input feature, not {tuple(coefficients.shape)}")
    if not is_recorded(coefficients):
        low, high = (float(v) for v in coefficients.aminmax()) if coefficients.numel() else (0, 0)
        if low < 0 or (not coefficients.is_floating_point() and high >= 1 << 24):
            raise ValueError("coefficients must be from 0 to 16777215, or floating-point numbers "
                             f"from 0, not {low if low < 0 else high:g}")


def scores(x: Tensor, coefficients: Tensor | None = None) -> Tensor:
    """Return values whose magnitude selection orders by: ``x * coefficients``.

    Parameters
    ----------
    x : Tensor
        Shape [..., K], one of ``DTYPES``.
    coefficients : Tensor, optional
        Shape [K], non-negative. With integer ``x`` and integer coefficients (below 2 ** 24) the
        product is exact (int64); otherwise it is rounded once, to float32. Infinity times zero
        is NaN, and thus kept.

    Raises
    ------
    ValueError
        If the coefficients have another shape, a negative value, or too large a one.
    """
    if coefficients is None:
        return x
    check_coefficients(x, coefficients)
    if x.is_floating_point() or coefficients.is_floating_point():
        return x.float() * coefficients.float()
    return x.long() * coefficients.long()


def _keys(x: Tensor, score_bits: int) -> tuple[Tensor, Tensor, int]:
    """Magnitudes of rows [B, M], a descending index [M] in a type that holds both, its range.

    ``score_bits`` is how many bits exact integer scores (int64) need.
    """
    magnitudes, bits = (x.abs(), score_bits) if x.dtype == torch.int64 else _magnitudes(x)
    m = x.shape[1]
    index_bits = (m - 1).bit_length()
    wide = next(dtype for dtype, room in ((torch.int16, 15), (torch.int32, 31), (torch.int64, 63))
                if bits + index_bits <= room)
    index = torch.arange(m - 1, -1, -1, dtype=wide, device=x.device)
    return magnitudes, index, 1 << index_bits


def _unique(magnitudes: Tensor, index: Tensor, span: int) -> Tensor:
    """Keys [B, M] without ties: the lower index wins them, and a threshold keeps exactly N."""
    return magnitudes.to(index.dtype).mul_(span).add_(index)


def _at_least(keys: Tensor, threshold: Tensor) -> Tensor:
    """Mask of the keys [B, M], which are overwritten, that reach the threshold [B] of their row."""
    if is_recorded(keys):
        return keys >= threshold[:, None]
    # Comparing into the type of the operands is vectorised, comparing into bool is not.
    return torch.ge(keys, threshold[:, None], out=keys).to(torch.bool)


def _mask_blocks(x: Tensor, n: int, score_bits: int) -> Tensor:
    """Mask of whole blocks, [B, M]."""
    magnitudes, index, span = _keys(x, score_bits)
    # Converts on the way, which is faster than a transposition by itself.
    slices = magnitudes.t().to(index.dtype, copy=True, memory_format=torch.contiguous_format)
    slices.mul_(span).add_(index[:, None])
    threshold = nth_largest(slices.unbind(0), n)
    return _at_least(_unique(magnitudes, index, span), threshold)


def _mask_tokens(x: Tensor, kept: int, score_bits: int) -> Tensor:
    """Mask of the ``kept`` largest of whole tokens, [T, K]."""
    if x.dtype == torch.int64 and score_bits + (x.shape[1] - 1).bit_length() > 63:
        order = x.abs().argsort(dim=-1, descending=True, stable=True)[:, :kept]
        return torch.zeros_like(x, dtype=torch.bool).scatter_(-1, order, True)
    keys = _unique(*_keys(x, score_bits))
    return _at_least(keys, keys.topk(kept, sorted=False).values.amin(-1))


def _mask_by_value(x: Tensor, kept: int) -> Tensor:
    """The same of rows [B, M] or [T, K] without the bits of numbers, which ONNX cannot express."""
    if x.is_floating_point():
        keys = x.double().abs() / 1024
        # Above all numbers, and below what NaN becomes; ONNX has constants of float32.
        keys = torch.where(keys.isinf(), 1e38, keys)
        keys = torch.where(keys.isnan(), torch.inf, keys)
    else:
        keys = x.long().abs()
    least = keys.topk(kept).values[:, -1:]
    above, ties = keys > least, keys == least
    return above | (ties & (ties.long().cumsum(-1) <= kept - above.long().sum(-1, keepdim=True)))


def block_mask(x: Tensor, n: int, m: int, coefficients: Tensor | None = None) -> Tensor:
    """Return the mask by blocks, padding included: bool, shape [..., blocks, m].

    Exactly ``n`` are set in every block. Parameters and errors as for ``nm_mask``.
    """
    pattern = Pattern(n, m)
    _check(x)
    features = x.shape[-1]
    blocks = pattern.blocks(features)
    if n == m or x.numel() == 0:
        return torch.ones((*x.shape[:-1], blocks, m), dtype=torch.bool, device=x.device)
    rows = x.reshape(-1, features)

    def select(chunk: Tensor) -> Tensor:
        scored = pad_features(scores(chunk, coefficients), m)
        if torch.onnx.is_in_onnx_export():
            return _mask_by_value(scored.reshape(-1, m), n)
        return _mask_blocks(scored.reshape(-1, m), n, _score_bits(x))

    return _by_rows(select, rows).view(*x.shape[:-1], blocks, m)


def _score_bits(x: Tensor) -> int:
    """Bits that exact integer scores of ``x`` need, coefficients having 24."""
    return 8 * x.element_size() + 24


def _by_rows(select: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """Apply a selection to rows [T, K]; on a CPU to as many at a time as the cache holds."""
    step = max(1, _CHUNK // rows.shape[1])
    if is_recorded(rows) or rows.device.type != "cpu" or rows.shape[0] <= step:
        return select(rows)
    return torch.cat(_in_threads(select, rows.detach().split(step)))


def _in_threads(function: Callable[[Tensor], Tensor], chunks: Sequence[Tensor]) -> list[Tensor]:
    """Apply a function to every chunk, on as many threads as torch uses, each chunk on one.

    The steps of a network are short: split among threads each by itself, as torch does it, they
    would mostly wait for each other.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        return [function(chunk) for chunk in chunks]
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(function, chunks))
    finally:
        torch.set_num_threads(threads)  # that of the threads is also the default of new ones


def nm_mask(x: Tensor, n: int, m: int, coefficients: Tensor | None = None) -> Tensor:
    """Return which values of every block of ``m`` input features are the ``n`` kept ones.

    Parameters
    ----------
    x : Tensor
        Shape [..., K], one of ``DTYPES``; a shift has been subtracted already.
    n, m : int
        Pattern, 1 <= n <= m, 2 <= m <= 64.
    coefficients : Tensor, optional
        Shape [K], factors of the score as in ``scores``; all ones where not given.

    Returns
    -------
    Tensor
        bool, the shape of ``x``. Exactly ``n`` are set in every whole block; see the module for
        a shorter last one.

    Raises
    ------
    ValueError
        If the pattern, the type of ``x`` or the coefficients are out of range.
    """
    mask = block_mask(x, n, m, coefficients).flatten(-2)
    return mask[..., :x.shape[-1]]


def pad_features(x: Tensor, m: int) -> Tensor:
    """Append zeros to the last dimension up to a multiple of ``m``, for every dtype."""
    count = -x.shape[-1] % m
    if not count:
        return x
    if x.is_floating_point() and x.element_size() == 1:  # fp8 has no padding of its own
        return pad(x.view(torch.uint8), (0, count)).view(x.dtype)
    return pad(x, (0, count))


def nm_prune(x: Tensor, n: int, m: int, coefficients: Tensor | None = None) -> Tensor:
    """Return ``x`` with all but the kept values set to +0. Parameters as for ``nm_mask``.

    Kept values keep all their bits (-0, NaN); a dropped infinity leaves a zero, not a NaN.
    The result has no gradient: see ``sw.methods.sparsify`` for layers that train.
    """
    mask = nm_mask(x, n, m, coefficients)
    size = x.element_size()
    # 0 or -1, so that `and` on the bits selects; twice as fast as torch.where.
    keep = mask.view(torch.int8).neg().to(_SIGNED[size])
    return (x.view(_SIGNED[size]) & keep).view(x.dtype)


def unstructured_mask(x: Tensor, kept: int, coefficients: Tensor | None = None) -> Tensor:
    """Return which ``kept`` values of every token are the largest, wherever they stand.

    Parameters
    ----------
    x : Tensor
        Shape [..., K], one of ``DTYPES``.
    kept : int
        Values kept of each token, from 0 to K. Ties go to the lower index.
    coefficients : Tensor, optional
        As for ``nm_mask``.
    """
    _check(x)
    features = x.shape[-1]
    if type(kept) is not int or not 0 <= kept <= features:
        raise ValueError(f"kept must be an integer from 0 to {features}, not {kept!r}")
    check_coefficients(x, coefficients)
    if kept in (0, features) or x.numel() == 0:
        return torch.full_like(x, kept > 0, dtype=torch.bool)

    def select(chunk: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():
            return _mask_by_value(scores(chunk, coefficients), kept)
        return _mask_tokens(scores(chunk, coefficients), kept, _score_bits(x))

    return _by_rows(select, x.reshape(-1, features)).view(x.shape)


def energy_kept(x: Tensor, mask: Tensor) -> float:
    """Return the share of the energy of ``x`` (sum of squares) in its kept values, 0 to 1."""
    energy = x.double().square()
    total = energy.sum().item()
    return (energy * mask).sum().item() / total if total else 1.0
