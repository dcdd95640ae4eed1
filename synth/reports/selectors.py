"""Figures of selectors, for ``--selector auto``: what ``python -m synth.measure`` does."""

import json
from collections.abc import Iterable
from importlib.metadata import version

from amaranth.back import verilog

from hw import VERSION
from hw.command.progress import doing, track
from hw.config import SELECTORS, VALUE_WIDTH, Pattern
from hw.selector import make_select_stage
from hw.stream.payloads import DenseBlock
from synth import flow


__all__ = ["STAGES", "as_json", "measure"]


STAGES = {"radix": (0, 2, 3, 4, 6, 9)}
"""Stages that are measured; only 0 where a structure has no others."""


def measure(patterns: Iterable[Pattern], synthesis: flow.Flow) -> list[dict]:
    """Figures of every selecting stage, with the block of values that passes through it."""
    cases = [(pattern, selector, stages) for pattern in patterns for selector in SELECTORS
             for stages in STAGES.get(selector, (0,))]
    parts = [make_select_stage(selector, DenseBlock(pattern, VALUE_WIDTH), pattern, VALUE_WIDTH,
                               stages=stages) for pattern, selector, stages in cases]
    texts = [(verilog.convert(part, name="nm_stage", emit_src=False), "nm_stage")
             for part in track(parts, "generating selectors")]
    with doing("synthesising modules") as task:
        results = synthesis.run(texts, task.reach)
    return [{"n": pattern.n, "m": pattern.m, "selector": selector, "stages": stages,
             "area": round(result.area, 1), "delay_ns": round(result.delay, 3),
             "latency": part.latency, "interval": part.interval}
            for (pattern, selector, stages), part, result
            in zip(cases, parts, results, strict=True)]


def as_json(rows: list[dict], synthesis: flow.Flow) -> str:
    """The figures as the file that the generator reads."""
    library = synthesis.library
    content = {"nmforge": VERSION, "pyosys": version("pyosys"), "library": library.name,
               "area_unit": library.area_unit, "goal": synthesis.goal, "width": VALUE_WIDTH}
    return json.dumps(content, indent=1)[:-2] + ',\n "stages": [\n  ' + ",\n  ".join(
        json.dumps(row) for row in rows) + "\n ]\n}\n"
