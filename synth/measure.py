"""Measures the selectors that ``--selector auto`` chooses from: ``python -m synth.measure``."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from amaranth.back import verilog

from hw import VERSION
from hw.command.files import write_all
from hw.config import SELECTORS, VALUE_WIDTH, Pattern, integer
from hw.selector import make_select_stage
from hw.selector.auto import DATA
from hw.stream.payloads import DenseBlock
from synth import flow
from synth.library import liberty


__all__ = ["PATTERNS", "STAGES", "main", "measure"]


PATTERNS = ("2:4", "4:8", "8:16", "16:32")
STAGES = {"radix": (0, 2, 3, 4, 6, 9)}
"""Stages that are measured; only 0 where a structure has no others."""


def measure(patterns: Iterable[Pattern], synthesis: flow.Flow) -> list[dict]:
    """Figures of every selecting stage, with the block of values that passes through it."""
    cases = [(pattern, selector, stages) for pattern in patterns for selector in SELECTORS
             for stages in STAGES.get(selector, (0,))]
    parts = [make_select_stage(selector, DenseBlock(pattern, VALUE_WIDTH), pattern, VALUE_WIDTH,
                               stages=stages) for pattern, selector, stages in cases]
    texts = [(verilog.convert(part, name="nm_stage", emit_src=False), "nm_stage")
             for part in parts]
    results = synthesis.run(texts, lambda done, total: print(
        f"{done} of {total} modules", end="\r", file=sys.stderr, flush=True))
    print(file=sys.stderr)
    to_ns = synthesis.library.time_ps / 1000
    return [{"n": pattern.n, "m": pattern.m, "selector": selector, "stages": stages,
             "area": round(result.area, 1), "delay_ns": round(result.delay * to_ns, 3),
             "latency": part.latency, "interval": part.interval}
            for (pattern, selector, stages), part, result
            in zip(cases, parts, results, strict=True)]


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m synth.measure",
        description="Measure the selectors and write what --selector auto chooses from.")
    parser.add_argument("--liberty", type=Path, required=True, metavar="FILE",
                        help="cells as .lib or .lib.gz, with time in ns or a multiple of it")
    parser.add_argument("--goal", default="area", metavar="NAME",
                        help=f"what logic is mapped for ({', '.join(flow.GOALS)}; default area)")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), metavar="INT",
                        help="syntheses at the same time (1 to 256; default: 2)")
    parser.add_argument("-o", "--output", type=Path, default=DATA.parent, metavar="DIR",
                        help=f"directory for {DATA.name} (default: where the generator reads it)")
    arguments = parser.parse_args(argv)
    try:
        library = liberty.read(arguments.liberty)
        synthesis = flow.Flow(library, goal=arguments.goal,
                              workers=integer("workers", arguments.workers, 1, 256))
        rows = measure([Pattern.parse(text) for text in PATTERNS], synthesis)
        content = {"nmforge": VERSION, "pyosys": version("pyosys"), "library": library.name,
                   "area_unit": library.area_unit, "goal": synthesis.goal, "width": VALUE_WIDTH}
        text = json.dumps(content, indent=1)[:-2] + ',\n "stages": [\n  ' + ",\n  ".join(
            json.dumps(row) for row in rows) + "\n ]\n}\n"
        for path in write_all(arguments.output, {DATA.name: text}):
            print(path)
    except (ValueError, flow.SynthesisError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
