"""All commands of the project, their parsers, and random command lines for them."""

import argparse
import importlib
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from hypothesis import strategies as st

from hw.command.parser import Parser
from verify.fuzz.damage import NUMBERS, PIECES


__all__ = ["COMMANDS", "lines", "parser_of", "read"]


_ROOT = Path(__file__).parents[2]
_PARSER = re.compile(r'[Pp]arser\(\s*"python -m ([\w.]+)"')


def _commands() -> dict[str, str]:
    """Names of commands, as they stand after ``python -m``, and the modules of their parsers."""
    found = {}
    for package in ("hw", "sw", "sim", "synth", "verify"):
        for path in sorted((_ROOT / package).rglob("*.py")):
            if match := _PARSER.search(path.read_text(encoding="utf-8")):
                found[match[1]] = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
    return found


COMMANDS = _commands()
"""All commands of the project, by what makes them commands: a parser."""

_WORDS = ("2:4", "8:16", "1:64", "64:64", "int8", "rank", "act", "decoder", "--", "-x", "--help",
          "=", "a=b", "file/below", "2:4,4:8", "..", "*.1=2:4+*=8:16", "\udcff", "-" * 300)
_VALUES = st.one_of(
    # No word names a place outside the folder that a command runs in, and none ends early.
    st.sampled_from([word for word in (*NUMBERS, *PIECES, *_WORDS)
                     if "\0" not in word and word[:1] != "/"]),
    st.integers(-5, 300).map(str), st.text(st.characters(exclude_characters="/\0"), max_size=6))


@cache
def parser_of(name: str) -> Parser:
    """The parser of a command."""
    module = importlib.import_module(COMMANDS[name])
    seen: list[Parser] = []
    with patch.object(module, "run", lambda parser, work, argv: seen.append(parser)):
        module.main([])
    return seen[0]


def _option(action: argparse.Action, values: st.SearchStrategy[str]
            ) -> st.SearchStrategy[list[str]]:
    """An option as it may stand on a command line, with as many values as it likes."""
    name = st.sampled_from(action.option_strings)
    choices = [text.strip() for text in (action.help or "").partition(":")[0].split(",")]
    likely = st.one_of(values, st.sampled_from(choices))
    if action.nargs == 0:
        return st.one_of(name.map(lambda given: [given]),
                         st.builds(lambda given, value: [f"{given}={value}"], name, likely))
    return st.one_of(
        st.builds(lambda given, value: [given, value], name, likely),
        st.builds(lambda given, value: [f"{given}={value}"], name, likely),
        st.builds(lambda given, some: [given, *some], name, st.lists(likely, max_size=3)))


@cache
def lines(name: str) -> st.SearchStrategy[list[str]]:
    """Draw command lines of a command: its options and others, with values right and wrong."""
    actions = [action for action in parser_of(name)._actions if action.option_strings]
    options = st.one_of(*(_option(action, _VALUES) for action in actions))
    words = st.one_of(options, options, _VALUES.map(lambda value: [value]))
    return st.lists(words, max_size=5).map(
        lambda parts: [word for part in parts for word in part])


def read(name: str, words: list[str], errors: Callable[[str], None]) -> int:
    """Read a command line; return the exit code, 0 if it was taken, and tell what was printed."""
    parser, text = parser_of(name), StringIO()
    with redirect_stdout(StringIO()), patch("sys.stderr", text):
        try:
            parser.parse_args(words)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    errors(text.getvalue())
    return code
