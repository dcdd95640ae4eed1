"""Time of masks beside topk and scatter: ``python -m sw.benchmark``.

With ``--outputs`` also that of ``sw.kernel.fused.compress_shifted`` (shift for each token, bitmask)
beside the dense product of a layer with so many outputs. The best of several rounds each, taken in
turns, so that other load on the machine hits all.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hw.config import Pattern
from sw.exact.selection import nm_mask, unstructured_mask
from sw.kernel.fused import compress_shifted
from sw.methods.method import parse_pattern


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
    """Return one line of the table."""
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
    return line + "".join(f"  {time:9.1f} ms" for time in layer)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m sw.benchmark", description=__doc__)
    parser.add_argument("--patterns", nargs="+", default=["2:4", "4:8", "8:16", "16:32"],
                        help="N:M or unstructured-P, default the paper's four")
    parser.add_argument("--size", type=int, default=4096, help="tokens and features")
    parser.add_argument("--outputs", type=int, default=0,
                        help="outputs of the layer to compare with, default none")
    parser.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default %(default)s")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu",
                        help="default %(default)s")
    options = parser.parse_args(arguments)
    try:
        patterns = [parse_pattern(text) for text in options.patterns]
        for name, low in (("size", 1), ("outputs", 0), ("rounds", 1), ("threads", 1)):
            if getattr(options, name) < low:
                raise ValueError(f"{name} must be an integer from {low}, "
                                 f"not {getattr(options, name)}")
        for pattern in patterns:
            if isinstance(pattern, Pattern) and options.size % pattern.m:
                raise ValueError(f"size must be a multiple of {pattern.m}, not {options.size}")
        if options.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device must be cpu where torch finds no GPU, not cuda")
    except ValueError as error:
        parser.error(str(error))
    torch.set_num_threads(options.threads)
    x = torch.randn(options.size, options.size, generator=torch.Generator().manual_seed(0))
    x = x.bfloat16().to(options.device)
    layer = "  shift+compress     product" if options.outputs else ""
    print(f"{options.size} x {options.size} bfloat16, torch {torch.__version__}, {options.device}, "
          f"{options.threads} thread(s)\npattern          topk+scatter       mask   faster{layer}")
    for pattern in patterns:
        print(compare(x, pattern, options.rounds, options.outputs))


if __name__ == "__main__":
    main()
