"""What the command lines of this package share: sentences, patterns and a design."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from hw.command.kinds import file, text, whole
from hw.command.parser import Arguments, Parser
from hw.config import BUS_OPTIONS, FORMAT_OPTIONS, Design, Pattern, sparsest
from hw.config.compressor import QUANTIZERS
from hw.generate.arguments import PATTERN, add_design_arguments, design_from


__all__ = ["CHAINED", "CORRECTED", "EXTRA", "add_patterns", "in_floats", "model_parser",
           "read_array", "read_designs", "read_sentences"]


EXTRA = "sim,model"
"""Extras of the package that bring what these commands import."""

CORRECTED = ("shift", "statistics", "coefficients")
"""Parameters of a design that follow from the corrections and the criterion."""

SENTENCE = "Large language models can drop half of every block of activations and lose little."


CHAINED = ("bf16", "fp16", *QUANTIZERS[1:])
"""Formats in which an accelerator multiplies tokens: that they come in, or made of bf16."""


def add_patterns(parser: Parser, *default: str) -> None:
    """Add the option of all commands that run several patterns."""
    parser.option("--patterns", aliases=("--pattern",), kind=PATTERN, many=True,
                  default=tuple(map(Pattern.parse, default)), help="patterns to run")


def model_parser(prog: str, description: str) -> Parser:
    """Return a parser with the options of the commands that run a trained model."""
    parser = Parser(prog, description, extra=EXTRA)
    parser.option("sentence", kind=text("SENTENCE"), help="sentences to run (default: one of ours)")
    parser.option("--file", kind=file(), help="text with one sentence per line, which come first")
    add_patterns(parser, "8:16")
    parser.option("--layer", kind=whole(0, 5), default=0, help="layer of the encoder")
    return parser


def add_accelerator(parser: Parser, *, without: Collection[str] = BUS_OPTIONS) -> None:
    """Add the parameters of the accelerator that a command leaves to who calls it.

    It is one of int8, with streams unless ``without`` names others than those of the bus.
    """
    add_design_arguments(parser, ("accelerator",), without=(*CORRECTED, *FORMAT_OPTIONS, *without))


def read_designs(arguments: Arguments, **fixed: Any) -> list[Design]:
    """Designs of the patterns that are asked for.

    ValueError if one of them cannot be, or a parameter changes none of them.
    """
    designs = [design_from(arguments, pattern, **fixed)
               for pattern in dict.fromkeys(arguments.patterns)]
    for design in designs:
        design.require("accelerator")
    sparsest(designs).require_effect("accelerator")
    return designs


def in_floats(design: Design, name: str, weights: str = "") -> Design:
    """The design with a float epilogue and PEs of a format, ValueError if none; bf16 in and out.

    In fp16 tokens and results are fp16. Weights are of the same format, or of ``weights``.
    """
    comes = name if name in ("bf16", "fp16") else "bf16"
    made = replace(design, format=comes, quantize="none" if name == comes else name,
                   weight_format=weights or name, accumulator="fp32", result_format=comes,
                   activation="gelu")
    made.require("accelerator")
    return made


def read_array(arguments: Arguments) -> tuple[Design, list[Pattern]]:
    """The design of ``--array``, with patterns at run time, and those that it is to run.

    ValueError if it cannot be, or does not run one of them.
    """
    design = replace(design_from(arguments, arguments.array), flexible="all")
    design.require("accelerator")
    design.require_effect("accelerator")
    patterns = list(dict.fromkeys(arguments.patterns))
    for pattern in patterns:
        design.steps(pattern)
    return design, patterns


def read_sentences(arguments: Arguments) -> list[str]:
    """Sentences of ``--file`` and of the command line; ValueError if the file has none."""
    given = arguments.sentence or []
    if arguments.file is None:
        return given or [SENTENCE]
    try:
        lines = arguments.file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError("file must be a readable text with one sentence per line, "
                         f"not {str(arguments.file)!r}") from error
    sentences = [line.strip() for line in lines if line.strip()]
    if not sentences:
        raise ValueError(f"file must hold at least one sentence, not none: {str(arguments.file)!r}")
    return sentences + given
