"""Time of ``nm_mask`` beside topk and scatter: ``python -m sw.benchmark``.

The best of several rounds each, taken in turns, so that other load on the machine hits both.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from hw.config import Pattern
from sw.selection import nm_mask


def topk_mask(x: Tensor, n: int, m: int) -> Tensor:
    """Mask as usually computed; ties are undefined."""
    blocks = x.view(-1, m).abs()
    kept = blocks.topk(n, dim=1, sorted=False).indices
    return torch.zeros_like(blocks, dtype=torch.bool).scatter_(1, kept, True).view(x.shape)


def _seconds(function: Callable[[Tensor, int, int], Tensor], x: Tensor, pattern: Pattern) -> float:
    start = time.perf_counter()
    function(x, pattern.n, pattern.m)
    return time.perf_counter() - start


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m sw.benchmark", description=__doc__)
    parser.add_argument("--patterns", nargs="+", default=["2:4", "4:8", "8:16", "16:32"])
    parser.add_argument("--size", type=int, default=4096, help="tokens and features")
    parser.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default %(default)s")
    options = parser.parse_args(arguments)
    try:
        patterns = [Pattern.parse(text) for text in options.patterns]
        for name in ("size", "rounds", "threads"):
            if getattr(options, name) < 1:
                raise ValueError(f"{name} must be an integer from 1, not {getattr(options, name)}")
        for pattern in patterns:
            if options.size % pattern.m:
                raise ValueError(f"size must be a multiple of {pattern.m}, not {options.size}")
    except ValueError as error:
        parser.error(str(error))
    torch.set_num_threads(options.threads)
    x = torch.randn(options.size, options.size, generator=torch.Generator().manual_seed(0))
    x = x.bfloat16()
    print(f"{options.size} x {options.size} bfloat16, torch {torch.__version__}, "
          f"{options.threads} thread(s)\npattern  topk+scatter  nm_mask   faster")
    for pattern in patterns:
        rounds = [(_seconds(topk_mask, x, pattern), _seconds(nm_mask, x, pattern))
                  for _ in range(options.rounds + 1)][1:]
        usual, ours = (min(times) for times in zip(*rounds, strict=True))
        print(f"{pattern!s:7}  {usual * 1e3:9.1f} ms  {ours * 1e3:6.1f} ms  {usual / ours:5.1f} x")


if __name__ == "__main__":
    main()
