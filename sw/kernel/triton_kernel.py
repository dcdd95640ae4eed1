"""Shift, score, select and compress in one pass over the tokens: a Triton kernel.

The same bits as ``sw.compress`` on every pattern whose M is a power of two. A block of scores is
turned into keys that are unique (magnitude, then the lower index), and the N-th largest key is
found bit by bit from the top: a candidate bit stays where at least N keys reach it. No sorting,
and nothing but the compressed blocks is written.

Needs ``triton``, and a CUDA device or ``TRITON_INTERPRET=1``; see ``sw.kernel.fused`` for the entry
that falls back to the CPU.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from hw.config import Pattern
from sw.exact.encoding import Compressed, binomials


__all__ = ["compress_tokens"]


@triton.jit
def _magnitude(z, kind: tl.constexpr):
    """Integers that order like |z|: the bits of a floating-point number, every NaN the same."""
    if kind == "integer":
        return tl.abs(z.to(tl.int64))
    elif kind == "float16":
        return tl.minimum(z.to(tl.int16, bitcast=True).to(tl.int64) & 0x7FFF, 0x7C01)
    elif kind == "bfloat16":
        return tl.minimum(z.to(tl.int16, bitcast=True).to(tl.int64) & 0x7FFF, 0x7F81)
    else:
        return tl.minimum(z.to(tl.int32, bitcast=True).to(tl.int64) & 0x7FFFFFFF, 0x7F800001)


@triton.jit
def _to_float(z, kind: tl.constexpr):
    """The same number in float32."""
    if kind == "bfloat16":
        return (z.to(tl.int16, bitcast=True).to(tl.int32) << 16).to(tl.float32, bitcast=True)
    else:
        return z.to(tl.float32)


@triton.jit
def _subtract(z, eta, kind: tl.constexpr, high: tl.constexpr):
    """As ``fused.shifted``: integers saturate, others are rounded once; any NaN is one NaN."""
    if kind == "integer":
        wide = z.to(tl.int64) - eta.to(tl.int64)
        return tl.minimum(tl.maximum(wide, -high - 1), high).to(z.dtype)
    else:
        exact = _to_float(z, kind) - _to_float(eta, kind)
        nan = exact != exact
        if kind == "bfloat16":  # half to even, on the bits
            bits = exact.to(tl.int32, bitcast=True).to(tl.int64) & 0xFFFFFFFF
            bits = tl.where(nan, 0x7FC0, (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)
            return bits.to(tl.int16).to(tl.bfloat16, bitcast=True)
        elif kind == "float16":
            bits = exact.to(tl.float16).to(tl.int16, bitcast=True)
            return tl.where(nan, 0x7E00, bits).to(tl.int16).to(tl.float16, bitcast=True)
        else:
            bits = exact.to(tl.int32, bitcast=True)
            return tl.where(nan, 0x7FC00000, bits).to(tl.int32).to(tl.float32, bitcast=True)


@triton.jit
def _kernel(x_ptr, shift_ptr, coefficient_ptr, table_ptr, values_ptr, metadata_ptr,
            blocks, blocks_of_token, features,
            N: tl.constexpr, M: tl.constexpr, ROWS: tl.constexpr, KEY_BITS: tl.constexpr,
            KIND: tl.constexpr, SCORE_KIND: tl.constexpr, HIGH: tl.constexpr,
            SHIFT: tl.constexpr, COEFFICIENTS: tl.constexpr, ENCODING: tl.constexpr):
    block = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    lane = tl.arange(0, M)
    token = block // blocks_of_token
    feature = (block % blocks_of_token * M)[:, None] + lane[None, :]
    there = (block < blocks)[:, None] & (feature < features)
    z = tl.load(x_ptr + token[:, None] * features + feature, mask=there, other=0)

    if SHIFT == "token":
        eta = tl.load(shift_ptr + token, mask=block < blocks, other=0)[:, None]
    if SHIFT == "feature":
        eta = tl.load(shift_ptr + feature, mask=there, other=0)
    if SHIFT != "none":
        z = tl.where(there, _subtract(z, eta, KIND, HIGH), 0).to(z.dtype)

    if COEFFICIENTS:
        c = tl.load(coefficient_ptr + feature, mask=there, other=0)
        if SCORE_KIND == "integer":
            score = z.to(tl.int64) * c.to(tl.int64)
        else:
            score = _to_float(z, KIND) * c.to(tl.float32)
    else:
        score = z
    key = _magnitude(score, SCORE_KIND) * M + (M - 1 - lane)[None, :]

    threshold = tl.zeros((ROWS,), tl.int64)
    for step in range(KEY_BITS):
        candidate = threshold | (tl.full((ROWS,), 1, tl.int64) << (KEY_BITS - 1 - step))
        reached = tl.sum((key >= candidate[:, None]).to(tl.int32), axis=1)
        threshold = tl.where(reached >= N, candidate, threshold)

    keep = key >= threshold[:, None]
    place = tl.cumsum(keep.to(tl.int32), axis=1) - 1
    slot = block[:, None] * N + place
    written = keep & (block < blocks)[:, None]
    tl.store(values_ptr + slot, z, mask=written)
    if ENCODING == "index":
        tl.store(metadata_ptr + slot, (lane[None, :] + tl.zeros_like(slot)), mask=written)
    else:
        if ENCODING == "bitmask":
            part = keep.to(tl.int64) << lane.to(tl.int64)[None, :]
        else:
            part = tl.load(table_ptr + lane[None, :] * (N + 1) + place + 1, mask=keep, other=0)
        tl.store(metadata_ptr + block, tl.sum(part, axis=1), mask=block < blocks)


KINDS = {torch.int8: "integer", torch.int16: "integer", torch.int32: "integer",
         torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32"}
"""Types that the kernel takes."""

BITS = {"float16": 15, "bfloat16": 15, "float32": 31}
"""Bits of a magnitude, where it is not an integer."""


def compress_tokens(x: Tensor, pattern: Pattern, encoding: str, shift: Tensor | None,
                    coefficients: Tensor | None) -> Compressed:
    """Compress tokens of one of ``KINDS``; as ``fused.compress_shifted``, without its checks.

    M is a power of two. The tensors are on one CUDA device (any device when interpreted).
    """
    n, m, features = pattern.n, pattern.m, x.shape[-1]
    rows = x.contiguous().view(-1, features)
    blocks_of_token = pattern.blocks(features)
    blocks = len(rows) * blocks_of_token
    values = torch.empty((*x.shape[:-1], blocks_of_token, n), dtype=x.dtype, device=x.device)
    shape = (*x.shape[:-1], blocks_of_token, *((n,) if encoding == "index" else ()))
    metadata = torch.empty(shape, dtype=torch.int64, device=x.device)
    kind = score = KINDS[x.dtype]
    bits = BITS.get(kind, 8 * x.element_size())
    if coefficients is not None:
        exact = kind == "integer" and not coefficients.is_floating_point()
        score, bits = ("integer", 56) if exact else ("float32", 31)
    shift_kind = "none" if shift is None else "token" if shift.shape[-1] == 1 else "feature"
    size = max(1, 1024 // m)  # blocks of one program
    if shift is not None and shift_kind == "token":
        shift = shift.expand(*x.shape[:-1], 1).contiguous()
    if blocks:
        _kernel[(triton.cdiv(blocks, size),)](
            rows, rows if shift is None else shift.contiguous(),
            rows if coefficients is None else coefficients.contiguous(),
            binomials(pattern, x.device) if encoding == "rank" else rows,
            values, metadata, blocks, blocks_of_token, features,
            N=n, M=m, ROWS=size, KEY_BITS=bits + (m - 1).bit_length(), KIND=kind,
            SCORE_KIND=score, HIGH=(1 << 8 * x.element_size() - 1) - 1, SHIFT=shift_kind,
            COEFFICIENTS=coefficients is not None, ENCODING=encoding)
    return Compressed(values, metadata, pattern, encoding, features)
