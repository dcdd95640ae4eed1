"""Parts of a design, by the names of its modules: where its area and its energy go."""

import re
from collections.abc import Mapping
from functools import cache, reduce
from typing import Any


__all__ = ["OTHER", "PARTS", "REGISTERS", "areas", "part", "part_within"]


PARTS = {
    "gather": r"stage|gather",
    "multipliers and adders": r"((exact|rounded|aligned)_)?dot_product|float_accumulator|pe",
    "decoders": r"(row|float)_decoder|recoder|(network|select)_decoder",
    "steps": r"steps.*|step_counts",
    "compactor": r"compact.*",
    "metadata": r".*encoder|(bitmask|index)_decoder|unrank.*",
    "selector": r".*select.*|.*radix.*|rank|serial.*|count.*",
    "epilogue": r"epilogue|lane|gain|token_(table|finisher)",
    "control": r"controller|register_block|passes.*|stepper|job_.*|coefficient_loader|token_gate",
    "results": r"result.*|round_row|tensor_scale",
    "buffers": r"(activation|weight)_buffer",
    "inserted buffers": r"buffers",
    "compressor": r".*(compressor|channel|score|sums|finish|median|mean|token).*",
}
"""Parts by the classes of modules, the first one that fits. Flip-flops, clocks and ports apart."""

WHOLE = ("selector", "compactor", "steps", "metadata", "epilogue")
"""Parts that own whatever stands inside them, as the compactor does its gather."""

REGISTERS, OTHER = "registers", "other"


def part(module: str, within: str = OTHER) -> str:
    """Part that the gates of a module belong to.

    Parameters
    ----------
    module : str
        Its name, as the generator gives it.
    within : str
        Part that it stands in: takes what has no part of its own, as a register of a stream.
    """
    if within in WHOLE:
        return within
    # nm_<design>_<class>, and behind it the sizes that a class with several modules has.
    kind = re.sub(r"^nm_[a-z]+_|_\d.*$", "", module)
    return next((name for name, pattern in PARTS.items() if re.fullmatch(pattern, kind)), within)


@cache
def part_within(modules: tuple[str, ...]) -> str:
    """Part of what stands in the last of some modules, each of which stands in the one before."""
    return reduce(lambda within, module: part(module, within), modules, OTHER)


def areas(top: str, modules: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Area of every part of a design, in the library's unit; flip-flops of all are ``registers``.

    Parameters
    ----------
    top : str
        Name of the top module.
    modules : mapping
        As :attr:`synth.flow.synthesis.Result.modules` has them. The sum of the parts is the area
        of the design.
    """
    found: dict[str, float] = {}

    def add(name: str, area: float) -> None:
        if area:
            found[name] = found.get(name, 0.0) + area

    def visit(name: str, count: int, within: str) -> None:
        module, own = modules[name], part(name, within)
        add(own, count * (module["area"] - module["registers"]))
        add(REGISTERS, count * module["registers"])
        for child, number in module["children"].items():
            visit(child, count * number, own)

    visit(top, 1, OTHER)
    return {name: round(area, 4) for name, area in found.items()}
