"""All parameters of a design, part by part."""

from collections.abc import Iterable
from dataclasses import Field, dataclass, fields, replace
from typing import Any

from hw.config.bus import BusParameters
from hw.config.parameter import ARRAYS, check
from hw.config.pattern import Pattern
from hw.config.selector import check_flexible
from hw.config.sums import check_accelerator, check_sums
from hw.formats import FORMATS


__all__ = ["SPARSE", "Design", "sparsest"]


SPARSE = ("selector", "stages", "gather", "pipeline")
"""Parameters without effect where every value is kept."""


@dataclass(frozen=True)
class Design(BusParameters):
    """Everything that a generated design depends on.

    Each part adds its parameters, their checks and the numbers that follow from them to those of
    the parts inside it: format, selector, compressor, array, accelerator, ports. Their fields
    describe them, with unit, range and default.

    Parameters
    ----------
    pattern : Pattern
        Values kept of each block. A dense design (``n == m``) has no selector and no gather.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or the accumulator could overflow at ``max_k``.
    """

    def __post_init__(self) -> None:
        for described in self.parameters():
            check(described, getattr(self, described.name))
        self._check()

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """The fields of all parameters but the pattern, part by part."""
        return fields(cls)[1:]

    @classmethod
    def parts(cls) -> dict[str, tuple[Field, ...]]:
        """The same by part: format, selector, compressor, array, accelerator, ports, bus."""
        named = {described.name: described for described in cls.parameters()}
        return {kind.__name__.removesuffix("Parameters").lower(): tuple(
            named[name] for name in vars(kind).get("__annotations__", {}) if name in named)
            for kind in reversed(cls.__mro__[1:-1])}

    def require(self, *names: str) -> None:
        """Raise ValueError if a parameter is set that none of the designs ``names`` has."""
        listed = f"design{'s' * (len(names) > 1)} {', '.join(names)}"
        for described in self.parameters():
            value, default = getattr(self, described.name), described.default
            if value != default and not set(names) & set(described.metadata["designs"]):
                raise ValueError(f"{described.name} must be {default} in {listed}, not {value!r}")
        if set(names) - set(ARRAYS) and self.block:
            raise ValueError(f"format must be one of {', '.join(FORMATS)} in {listed}, not "
                             f"{self.format!r}")
        if set(names) & {"pe", "array"}:
            check_sums(self, listed)
        if "accelerator" in names:
            check_accelerator(self, listed)
        check_flexible(self.selector, self.pattern, self.flexible)

    def require_effect(self, *names: str) -> None:
        """Raise ValueError if a parameter is set that changes none of the designs ``names``.

        They have it, as :meth:`require` has seen, but as the other parameters are it does nothing.
        """
        for described in self.parameters():
            value, default = getattr(self, described.name), described.default
            idle = [self._idle(described.name, name) for name in names
                    if name in described.metadata["designs"]]
            if value != default and idle and all(idle):
                raise ValueError(f"{described.name} must be {default} {idle[0]}, not {value!r}")

    def _idle(self, parameter: str, name: str) -> str:
        """Where a parameter of the design ``name`` does nothing; empty where it does something."""
        if parameter in SPARSE and self.pattern.dense and self.flexible == "none":
            return f"for the pattern {self.pattern}, which keeps every value"
        if parameter == "decode_stages" and (self.encoding != "rank" or self.pattern.dense):
            return f"with encoding {self.encoding} of {self.pattern}, which has no rank to decode"
        if (parameter, name) == ("max_k", "compressor") and not (self.whole_tokens
                                                                or self.statistics):
            return ("in a compressor without coefficients, statistics and a shift by channel or "
                    "token, which holds no token")
        return ""

    def only(self, name: str) -> "Design":
        """The same without what the design ``name`` does not have."""
        defaults: dict[str, Any] = {described.name: described.default
                                    for described in self.parameters()
                                    if name not in described.metadata["designs"]}
        return replace(self, **defaults)

    @classmethod
    def has(cls, name: str, parameters: Iterable[str]) -> bool:
        """Whether the design ``name`` has all these parameters."""
        return all(name in described.metadata["designs"] for described in cls.parameters()
                   if described.name in parameters)

    @property
    def multiplied(self) -> "Design":
        """The design of an accelerator's array: its activations are what leaves the compressor.

        Its results are not rounded to another format where scales of tensors multiply them.
        """
        if self.quantize == "none":
            return self
        result = "fp32" if self.tensor_scaled else self.result_format
        return replace(self, format=self.quantize, quantize="none", selection="before",
                       result_format=result)

    @property
    def summing(self) -> "Design":
        """The design of an accelerator's array and of the queue behind it.

        Their results are in binary32 where scales of outputs multiply them.
        """
        return replace(self, result_format="fp32") if self.scales_outputs else self

    @property
    def paired(self) -> bool:
        """Whether weights have another format than the floats that they multiply."""
        return not self.number.integer and self.weight_format != self.multiplied.format

    @property
    def register_groups(self) -> tuple[bool, bool, bool]:
        """Whether its registers are those of integers alone, and more in floats.

        With scales of tensors, and with weights in another format; see
        :func:`hw.registers.own_registers`.
        """
        return self.number.integer, self.tensor_scaled, self.paired

    @property
    def options(self) -> str:
        """What the design does beside selecting: the options that are not the default."""
        chosen = [(described.name, getattr(self, described.name))
                  for described in self.parameters() if described.metadata["option"]
                  and getattr(self, described.name) != described.default]
        return " ".join(name if value is True else f"{name}={value}" for name, value in chosen)

    @property
    def baseline(self) -> "Design":
        """The dense design with as many lanes, L:L; with two where there is one."""
        lanes = max(self.lanes, 2)
        return replace(self, pattern=Pattern(lanes, lanes), flexible="none", unstructured=False,
                       decode=False)


def sparsest(designs: Iterable[Design]) -> Design:
    """The design that keeps the least of a block: what has no effect on it has none on the others.

    That is so of designs which differ in nothing but the pattern.
    """
    return min(designs, key=lambda design: design.pattern.n / design.pattern.m)
