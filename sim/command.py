"""What the commands that run a trained model take: sentences, patterns and a design."""

import argparse
from dataclasses import replace
from pathlib import Path

from hw.config import Design, Pattern
from hw.generate import add_design_arguments, design_from


__all__ = ["make_parser", "read_array", "read_designs", "read_sentences"]


SENTENCE = "Large language models can drop half of every block of activations and lose little."


def make_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options of all these commands."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("sentence", nargs="*", help="sentences to run (default: one of ours)")
    parser.add_argument("--file", type=Path, help="text with one sentence per line")
    parser.add_argument("--patterns", nargs="+", default=["8:16"], metavar="N:M",
                        help="patterns to run (default 8:16)")
    parser.add_argument("--layer", type=int, default=0, help="layer of the encoder (0 to 5)")
    add_design_arguments(parser)
    return parser


def read_designs(arguments: argparse.Namespace) -> list[Design]:
    """Designs of the patterns that are asked for; ValueError if one of them cannot be."""
    return [design_from(arguments, Pattern.parse(text)) for text in arguments.patterns]


def read_array(arguments: argparse.Namespace) -> tuple[Design, list[Pattern]]:
    """The design of ``--array``, with patterns at run time, and those that it is to run.

    ValueError if it cannot be, or does not run one of them.
    """
    design = replace(design_from(arguments, Pattern.parse(arguments.array)), flexible="all")
    design.require("accelerator")
    patterns = [Pattern.parse(text) for text in arguments.patterns]
    for pattern in patterns:
        design.steps(pattern)
    return design, patterns


def read_sentences(arguments: argparse.Namespace) -> list[str]:
    """Sentences of the command line and of ``--file``; ValueError if the file has none."""
    if arguments.file is None:
        return arguments.sentence or [SENTENCE]
    try:
        lines = arguments.file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError("file must be a readable text with one sentence per line, "
                         f"not {str(arguments.file)!r}") from error
    sentences = [line.strip() for line in lines if line.strip()]
    if not sentences:
        raise ValueError(f"file must hold at least one sentence, not none: {str(arguments.file)!r}")
    return sentences + arguments.sentence
