"""The components that are mutated, each at a small design point."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from hw.config import Design, Pattern


if TYPE_CHECKING:
    from verify.mutate.checks import Check


__all__ = ["COMPONENTS", "Component"]


@dataclass(frozen=True)
class Component:
    """What is mutated.

    Attributes
    ----------
    name : str
        Of the component.
    top : str
        One of :data:`hw.config.DESIGNS`, or of :data:`verify.mutate.parts.PARTS`.
    design : Design
        The design point.
    modules : tuple of str
        Which modules of it are mutated, as patterns of their names; none for all.
    """

    name: str
    top: str
    design: Design
    modules: tuple[str, ...] = ()

    @property
    def proofs(self) -> tuple[str, ...]:
        """Ways to prove a mutant equivalent: within a large design, those of its module alone."""
        if self.modules:
            return "module", *(("around", "part") if self.top == "accelerator"
                               else ("part", "streams"))
        return "module", "design", "streams"

    def check(self) -> "Check":
        """What the project checks of it."""
        from verify.mutate import checks, part_checks, walk_checks

        made: Callable[[Design], Check] = next(
            getattr(held, self.top) for held in (checks, part_checks, walk_checks)
            if hasattr(held, self.top))
        return made(self.design)


_SMALL = Pattern(2, 4)
_compressor = partial(Design, _SMALL, max_k=12)

_SMALL_ACCELERATOR = partial(Design, _SMALL, rows=2, columns=2, tile=1, max_k=12, batch_tokens=4)

_CORRECTED = _SMALL_ACCELERATOR(epilogue_lanes=1, statistics=True, shift="mean")

_ARRAY = ("*_array", "*_pe", "*_dot_product", "*_gather_*", "*_stage_*to*", "*_decoder*",
          "*_recoder", "*_result_*")

_CONTROL = ("nm_accelerator", "*_accelerator", "*_controller", "*_job_pattern", "*_register_block",
            "*_token_gate", "*_framer_*", "*_activation_buffer", "*_weight_buffer", "*_stepper",
            "*_results", "*_result_register", "*_stream_*")
"""The accelerator outside of array, compressor, passes, and memories, in whose place there may be
macros; streams in all of these, too."""

COMPONENTS = {component.name: component for component in (
    *(Component(f"selector-{name}", "selector", Design(_SMALL, selector=name))
      for name in ("rank", "radix", "network", "serial")),
    Component("selector-radix-pipelined", "selector", Design(_SMALL, selector="radix", stages=2)),
    Component("compressor", "compressor", _compressor()),
    Component("compressor-index-complement", "compressor", _compressor(
        encoding="index", complement=True)),
    Component("compressor-rank-fp8", "compressor", _compressor(encoding="rank", format="fp8_e4m3")),
    Component("decompressor", "decompressor", Design(_SMALL)),
    Component("decompressor-index", "decompressor", Design(_SMALL, encoding="index")),
    Component("decompressor-rank", "decompressor", Design(_SMALL, encoding="rank")),
    Component("array", "accelerator", _SMALL_ACCELERATOR(epilogue_lanes=0), _ARRAY),
    Component("lane", "lane", _CORRECTED),
    Component("gain", "gain", _CORRECTED, ("*_gain",)),
    Component("passes", "passes", replace(_CORRECTED, max_k=1024, batch_tokens=4096),
              ("*_passes_*_chunks",)),
    Component("control", "accelerator", _SMALL_ACCELERATOR(epilogue_lanes=0), _CONTROL),
)}
"""By name."""
