"""How a layer is sparsified: pattern, criterion and corrections, by their names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hw.command.kinds import Kind
from hw.config import Pattern, choice
from hw.formats import BLOCK_FORMATS, QUANTIZED, SELECTIONS
from sw.methods.names import CORRECTIONS, CRITERIA, FORMAT_CORRECTIONS, SHIFTS


__all__ = ["BY_LAYER", "PATTERN", "Method", "by_layer", "parse_pattern"]


def parse_pattern(text: str) -> Pattern | int:
    """Read ``"8:16"``, or ``"unstructured-70"``: 70 % of every token are dropped.

    Returns the pattern, or the dropped percentage.
    """
    found = re.fullmatch("unstructured-([0-9]{1,2})", text) if isinstance(text, str) else None
    if found:
        return int(found[1])
    if isinstance(text, str) and ":" in text:
        return Pattern.parse(text)
    raise ValueError("pattern must be written N:M, as in 8:16, or unstructured-P with P from 0 to "
                     f"99, not {text!r}")


def by_layer(pattern: str | Mapping[str, str]) -> dict[str, str]:
    """Read patterns of layers: from the names that they are of, in order, to the patterns.

    From a mapping, or from its text, as in ``"*.down_proj=16:32+*=8:16"``; one pattern alone is
    that of all layers.

    Raises
    ------
    ValueError
        If a name stands twice, or a pattern is none.
    """
    if isinstance(pattern, Mapping):
        return dict(pattern)
    if not isinstance(pattern, str) or "=" not in pattern:
        parse_pattern(pattern)
        return {"*": pattern}
    found: dict[str, str] = {}
    for part in pattern.split("+"):
        name, sign, value = part.rpartition("=")
        if not name or not sign:
            raise ValueError("pattern must be written N:M, or LAYER=N:M+LAYER=N:M for each layer, "
                             f"not {pattern!r}")
        if name in found:
            raise ValueError(f"pattern must have each layer once, not {name} twice: {pattern!r}")
        parse_pattern(value)
        found[name] = value
    return found


def _checked(name: str, given: str) -> str:
    parse_pattern(given)
    return given


def _all_checked(name: str, given: str) -> str:
    by_layer(given)
    return given


PATTERN = Kind("PATTERN", "", _checked)
"""Kind of an option of a command line that takes patterns, as their text."""

BY_LAYER = Kind("PATTERN", "", _all_checked)
"""The same, and patterns of layers, as ``by_layer`` reads them."""


@dataclass(frozen=True)
class Method:
    """How a layer is sparsified.

    Attributes
    ----------
    pattern : str
        As in ``parse_pattern``; of a whole model, as in ``by_layer``.
    criterion : str
        One of ``CRITERIA``, or ``weight``: the weights are pruned instead, by magnitude.
    corrections : tuple of str
        From ``sw.methods.corrections.CORRECTIONS``; with a format also ``sharq``.
    integer : bool
        Whether to compute with the integers of the hardware: int8 tokens and weights, 8-bit
        coefficients.
    format : str
        Number format of tokens and weights, one of ``hw.formats.QUANTIZED``; ``none`` computes as
        the model does.
    selection : str
        Whether selection stands ``before`` quantisation to the format or ``after`` it.
    """

    pattern: str
    criterion: str = "act"
    corrections: tuple[str, ...] = ()
    integer: bool = False
    format: str = "none"
    selection: str = "before"

    def __str__(self) -> str:
        parts = (self.pattern, self.criterion, "+".join(self.corrections),
                 "int8" if self.integer else "",
                 f"{self.format} {self.selection}" if self.format != "none" else "")
        return " ".join(part for part in parts if part)

    def __post_init__(self) -> None:
        by_layer(self.pattern)
        choice("criterion", self.criterion, (*CRITERIA, "weight"))
        for name in self.corrections:
            choice("correction", name, (*CORRECTIONS, *FORMAT_CORRECTIONS))
        shifts = [name for name in self.corrections if name in SHIFTS]
        if len(shifts) > 1:
            raise ValueError("corrections must have at most one of "
                             f"{', '.join(SHIFTS)}, not {' and '.join(shifts)}")
        if self.criterion == "weight" and self.corrections:
            raise ValueError("corrections must be none where weights are pruned, not "
                             f"{', '.join(self.corrections)}")
        choice("format", self.format, ("none", *QUANTIZED))
        choice("selection", self.selection, SELECTIONS)
        lack = self._lack()
        if lack:
            raise ValueError(lack)

    def _lack(self) -> str:
        """Why the format does not go with the rest; empty where it does."""
        if self.format == "none":
            if "sharq" in self.corrections:
                return "format must be one of " + ", ".join(QUANTIZED) + " with sharq, not 'none'"
            return "" if self.selection == "before" else (
                f"selection must be before without a format, not {self.selection!r}")
        if self.criterion == "weight":
            return f"format must be none where weights are pruned, not {self.format!r}"
        if self.integer:
            return f"format must be none with integer, which is int8 already, not {self.format!r}"
        if "sharq" in self.corrections:
            if self.selection != "before":
                return "selection must be before with sharq, not 'after'"
            both = [name for name in self.corrections if name in ("var", "r-sparse")]
            if both:
                return f"corrections must not have {both[0]} with sharq, which drops nothing"
        return next(filter(None, map(self._lack_of, by_layer(self.pattern).values())), "")

    def _lack_of(self, text: str) -> str:
        """Why the format does not go with a pattern; empty where it does."""
        block, pattern = BLOCK_FORMATS.get(self.format), parse_pattern(text)
        if block is None or (isinstance(pattern, Pattern) and block.size % pattern.m == 0):
            return ""
        return (f"pattern must be N:M with M a divisor of {block.size} in {self.format}, whose "
                f"scales are of {block.size} values, not {text!r}")
