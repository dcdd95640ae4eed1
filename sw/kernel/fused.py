"""Shift, score, select and compress in one call, by the fastest means at hand.

On a CUDA device with ``triton`` a fused kernel (``sw.kernel.triton_kernel``); anywhere else the
same bits from ``sw.compress``.
"""

from importlib.util import find_spec

import torch
from torch import Tensor

from hw.config import Pattern, choice
from sw.exact.encoding import ENCODINGS, Compressed, compress
from sw.exact.selection import check_coefficients


__all__ = ["compress_shifted", "shifted"]


_NAN = {torch.float8_e4m3fn: (torch.int8, 0x7F), torch.float8_e5m2: (torch.int8, 0x7E),
        torch.float16: (torch.int16, 0x7E00), torch.bfloat16: (torch.int16, 0x7FC0),
        torch.float32: (torch.int32, 0x7FC00000)}
"""Bits of the NaN that a shift leaves."""


def shifted(x: Tensor, shift: Tensor | None) -> Tensor:
    """Return ``x - shift`` in the type of ``x``.

    Integers saturate. Floating-point numbers are subtracted in float32 and rounded once; a NaN
    loses its payload.
    """
    if shift is None:
        return x
    if x.is_floating_point():
        exact = x.float() - shift.float()
        kind, nan = _NAN[x.dtype]
        return exact.to(x.dtype).view(kind).masked_fill(exact.isnan(), nan).view(x.dtype)
    limits = torch.iinfo(x.dtype)
    return (x.long() - shift.long()).clamp(limits.min, limits.max).to(x.dtype)


def compress_shifted(x: Tensor, pattern: Pattern | str, encoding: str = "bitmask", *,
                     shift: Tensor | None = None, coefficients: Tensor | None = None,
                     ) -> Compressed:
    """Subtract a shift from tokens and compress them.

    Parameters
    ----------
    x : Tensor
        Shape [..., K], one of ``sw.exact.selection.DTYPES``.
    pattern : Pattern or str
        Such as ``"8:16"``.
    encoding : str
        ``bitmask``, ``index`` or ``rank``.
    shift : Tensor, optional
        Shape [..., 1], one for each token (D-PTS), or [K] (L-PTS); [1] is one for all (S-PTS).
    coefficients : Tensor, optional
        Shape [K], factors of the score.

    Raises
    ------
    ValueError
        As ``sw.compress``, or if the shift has another shape.
    """
    choice("encoding", encoding, ENCODINGS)
    pattern = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
    if shift is not None and shift.shape not in ((1,), x.shape[-1:], (*x.shape[:-1], 1)):
        raise ValueError(f"shift must have one value for each token, {(*x.shape[:-1], 1)}, or for "
                         f"each input feature, {tuple(x.shape[-1:])}, not {tuple(shift.shape)}")
    if x.is_cuda and pattern.m & (pattern.m - 1) == 0 and find_spec("triton"):
        from sw.kernel.triton_kernel import KINDS, compress_tokens
        if x.dtype in KINDS:
            check_coefficients(x, coefficients)
            return compress_tokens(x, pattern, encoding, shift, coefficients)
    return compress(shifted(x, shift), pattern.n, pattern.m, encoding, coefficients)
