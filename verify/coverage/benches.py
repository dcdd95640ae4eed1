"""Which benches hit which cross: their designs are read where the benches have them."""

from collections.abc import Callable, Iterator
from typing import Any

from hw.config import Design, Pattern
from verify.coverage.crosses import AXES, Bench


__all__ = ["benches"]


CORNERS = ("equal", "ties", "outlier", "sorted", "ends", "random")
"""What ``sim.vectors.stimulus.blocks`` has."""

RAW = ("equal", "ties", "outlier", "sorted", "special", "ends", "random")
"""What ``sim.vectors.tokens.random_tokens`` has."""

SOAKED = Pattern(8, 16)
"""One of the patterns of ``python -m sim.soak`` where none is given."""


def parametrized(test: Callable[..., Any]) -> Iterator[Design]:
    """Designs among the parameters of a test; a bare pattern is its default design."""
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            for case in mark.args[1]:
                for value in getattr(case, "values", case if isinstance(case, tuple) else [case]):
                    if isinstance(value, Design):
                        yield value
                    elif isinstance(value, Pattern):
                        yield Design(value)


def benches() -> list[Bench]:
    """All benches of compressors and decompressors."""
    from sim.runs.soak.streams import designs
    from sim.tests import test_compressor as compressor
    from sim.tests import test_decompressor as decompressor
    from sim.tests import test_pairs as pairs

    def tests(*functions: Callable[..., Any]) -> Callable[[], list[Design]]:
        return lambda: [design for function in functions for design in parametrized(function)]

    sides = AXES["pressure"]
    return [
        Bench("sim.tests.test_compressor.test_compressor", "compressor",
              tests(compressor.test_compressor), sides, CORNERS),
        Bench("sim.tests.test_compressor.test_options", "compressor",
              tests(compressor.test_options, compressor.test_dynamic_shifts), sides, RAW),
        Bench("sim.tests.test_compressor.test_tokens_ask_for_their_patterns", "compressor",
              tests(compressor.test_tokens_ask_for_their_patterns), sides, RAW),
        Bench("sim.tests.test_pairs.test_compressor_of_pairs", "compressor",
              tests(pairs.test_compressor_of_pairs), ("both",), RAW),
        Bench("sim.soak", "compressor", lambda: designs(SOAKED), ("both",), RAW),
        Bench("sim.tests.test_decompressor.test_decompressor", "decompressor",
              tests(decompressor.test_decompressor), sides, CORNERS),
        Bench("sim.tests.test_decompressor.test_formats_and_encodings", "decompressor",
              tests(decompressor.test_formats_and_encodings), sides, RAW),
        Bench("sim.tests.test_pairs.test_decompressor_of_pairs", "decompressor",
              tests(pairs.test_decompressor_of_pairs), ("both",), RAW),
        Bench("sim.soak", "decompressor",
              lambda: [design for design in designs(SOAKED)
                       if design.shift == "none" and not design.coefficients], ("both",), RAW),
    ]
