"""Time of masks beside topk and scatter: what ``python -m sw.benchmark`` does."""

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hw.config import Pattern
from sw.exact.selection import nm_mask, unstructured_mask
from sw.kernel.fused import compress_shifted


__all__ = ["compare", "heading", "random_tokens", "topk_mask"]


def topk_mask(x: Tensor, n: int, m: int) -> Tensor:
    """Mask as usually computed; ties are undefined. A block can be a whole token."""
    blocks = x.view(-1, m).abs()
    kept = blocks.topk(n, dim=1, sorted=False).indices
    return torch.zeros_like(blocks, dtype=torch.bool).scatter_(1, kept, True).view(x.shape)


def _seconds(function: Callable[[], object], device: str) -> float:
    start = time.perf_counter()
    function()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _best(functions: Sequence[Callable[[], object]], rounds: int, device: str) -> list[float]:
    """Best time of each function in ms; a first round is not counted."""
    taken = [[_seconds(function, device) for function in functions] for _ in range(rounds + 1)]
    return [min(times) * 1e3 for times in zip(*taken[1:], strict=True)]


def compare(x: Tensor, pattern: Pattern | int, rounds: int, outputs: int) -> str:
    """Return one line of the table; ``-`` for what there is only of patterns N:M."""
    device, features = x.device.type, x.shape[1]
    functions: list[Callable[[], object]]
    if isinstance(pattern, int):
        name, kept = f"unstructured-{pattern}", features * (100 - pattern) // 100
        functions = [lambda: topk_mask(x, kept, features), lambda: unstructured_mask(x, kept)]
    else:
        name, n, m = str(pattern), pattern.n, pattern.m
        functions = [lambda: topk_mask(x, n, m), lambda: nm_mask(x, n, m)]
    if outputs and isinstance(pattern, Pattern):
        weight = torch.randn(outputs, x.shape[1], device=device, dtype=x.dtype)
        shift = x.float().mean(-1, keepdim=True).to(x.dtype)
        functions += [lambda: compress_shifted(x, pattern, shift=shift), lambda: x @ weight.t()]
    usual, ours, *layer = _best(functions, rounds, device)
    line = f"{name:15}  {usual:9.1f} ms  {ours:6.1f} ms  {usual / ours:5.1f} x"
    if outputs and not layer:
        return line + f"  {'-':>12}" * 2
    return line + "".join(f"  {time:9.1f} ms" for time in layer)


def random_tokens(size: int, device: str) -> Tensor:
    """Return ``size`` tokens of ``size`` features, bfloat16, the same on every call."""
    x = torch.randn(size, size, generator=torch.Generator().manual_seed(0))
    return x.bfloat16().to(device)


def heading(outputs: int) -> str:
    """Return the line above those of :func:`compare`."""
    layer = "  shift+compress     product" if outputs else ""
    return f"pattern          topk+scatter       mask   faster{layer}"
