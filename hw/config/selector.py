"""Parameters of the selector: which values of a block are kept, and what of that varies."""

from dataclasses import dataclass

from hw.config.checks import choice, integer
from hw.config.format import FormatParameters
from hw.config.parameter import SELECTING, parameter
from hw.config.pattern import Pattern


__all__ = ["FLEXIBLE", "SELECTORS", "SelectorParameters", "check_flexible"]


SELECTORS = ("rank", "radix", "network", "serial")
"""Structures of a selector."""

FLEXIBLE = ("none", "n", "all")
"""What of the pattern a block may bring along: nothing, N, or N and M."""

_FLEXIBLE_SELECTORS = {"rank": FLEXIBLE, "radix": ("none", "n"), "network": ("none",),
                       "serial": FLEXIBLE}


def check_flexible(selector: str, pattern: Pattern, flexible: str) -> None:
    """Raise ValueError if the structure ``selector`` does not take that much at run time."""
    choice("flexible", flexible, FLEXIBLE)
    allowed = _FLEXIBLE_SELECTORS[selector]
    if flexible not in allowed:
        raise ValueError(f"flexible must be one of {', '.join(allowed)} with the selector "
                         f"{selector}, not {flexible!r}")
    if flexible == "all" and pattern.m & (pattern.m - 1):
        raise ValueError(f"m must be a power of two for flexible 'all', not {pattern.m}")


@dataclass(frozen=True)
class SelectorParameters(FormatParameters):
    """The selector."""

    selector: str = parameter("rank", "structure of the selector", SELECTING, choices=SELECTORS,
                              option=False)
    stages: int = parameter(0, "pipeline registers of the radix selector, up to the bits of a "
                               "score + 1; 0: combinational", SELECTING, low=0, high=65)
    flexible: str = parameter("none", "what of the pattern is chosen at run time, for each "
                                      "block or job: nothing, n, or n and m", SELECTING,
                              choices=FLEXIBLE)
    coefficients: int = parameter(0, "bits of a channel's factor of the score; 0: no factors",
                                  SELECTING, low=0, high=8)

    @property
    def score_width(self) -> int:
        """Bits of a score."""
        return self.number.score_width(self.coefficients)

    @property
    def most_kept(self) -> int:
        """Values of a block that can be kept: N, or all where the pattern comes at run time."""
        return self.pattern.n if self.flexible == "none" else self.pattern.m

    @property
    def most_steps(self) -> int:
        """Steps in which the array takes a block at most, N kept values in each."""
        return -(-self.most_kept // self.pattern.n)

    def steps(self, pattern: Pattern) -> int:
        """Steps in which the array takes M values that are pruned to ``pattern``.

        Raises
        ------
        ValueError
            If the design cannot run the pattern.
        """
        own = self.pattern
        runs = {"none": pattern == own, "n": pattern.m == own.m,
                "all": own.m % pattern.m == 0 and pattern.m & (pattern.m - 1) == 0}
        if not runs[self.flexible]:
            allowed = {"none": f"{own}", "n": f"N:{own.m}",
                       "all": f"N:M with M a power of two up to {own.m}"}[self.flexible]
            raise ValueError(f"pattern must be {allowed}, as the design has it, not {pattern}")
        return -(-pattern.n * (own.m // pattern.m) // own.n)

    def _check(self) -> None:
        super()._check()
        if self.stages and self.selector != "radix":
            raise ValueError(f"stages must be 0 with the selector {self.selector}, not "
                             f"{self.stages}")
        integer("stages", self.stages, 0, self.score_width + 1)
