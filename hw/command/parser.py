"""The command lines of all commands: one look, one way to say what is wrong."""

import argparse
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from hw.command.kinds import Kind


__all__ = ["Arguments", "Parser"]


WIDTH = 80
"""Columns of the help."""

_CONTRACT = (
    (r"argument ([^:]*): ignored explicit argument (.*)", r"{} must stand without a value, not \2"),
    (r"argument ([^:]*): expected .*", r"{} must have a value, not none"),
    (r"the following arguments are required: ([^,]*).*", r"{} must be given, not left out"),
    (r"unrecognized arguments: (.*)", r"arguments must be those that --help lists, not '\1'"),
)
"""What argparse says of a mistake, and what the commands say."""


class Arguments(argparse.Namespace):
    """Values of a command line.

    Attributes
    ----------
    given : dict of str to str
        Options that stand on the command line, with what they were given.
    """

    given: dict[str, str]

    def refuse(self, *names: str, where: str) -> None:
        """Raise ValueError if one of these options, without effect ``where``, was given."""
        for name in names:
            if name in self.given:
                raise ValueError(f"{name} must be left out {where}, not {self.given[name]!r}")


class Parser(argparse.ArgumentParser):
    """A command line whose values are read and checked by their :class:`hw.command.kinds.Kind`.

    Parameters
    ----------
    prog : str
        How the command is called, such as ``python -m sim.layer``.
    description : str
        Paragraphs for the help.
    extra : str
        The extra of the package that brings what the command imports.
    """

    def __init__(self, prog: str, description: str, *, extra: str = ""):
        super().__init__(prog=prog, description=description, formatter_class=_Help,
                         allow_abbrev=False)
        self.extra = extra
        self._kinds: dict[str, tuple[Kind, bool]] = {}
        self._defaults_of: dict[str, Any] = {}
        self._target: Any = self

    def group(self, title: str) -> None:
        """Let options that follow stand under a title of their own in the help."""
        self._target = self.add_argument_group(title)

    def option(self, *names: str, kind: Kind, help: str, default: Any = None, many: bool = False,
               commas: bool = True, aliases: Sequence[str] = (), required: bool = False) -> None:
        """Add an option.

        Parameters
        ----------
        names : str
            ``--name``, a short form first if there is one; or the name of a positional argument,
            which takes any number of values.
        kind : Kind
            What it takes.
        help : str
            What it is; range and default are added.
        default : any
            Its value where it is not given, and what the help calls the default; None is no
            default.
        many : bool
            Whether it takes several values, separated by spaces or commas, also when repeated.
            Any other option stands once.
        commas : bool
            Whether commas separate values; without, they belong to them.
        aliases : sequence of str
            Other spellings, which the help leaves out.
        required : bool
            Whether it must be given.
        """
        name = names[-1].lstrip("-").replace("-", "_")
        positional = not names[-1].startswith("-")
        shown = " ".join(map(str, default)) if isinstance(default, (list, tuple)) else default
        notes = [*([kind.allowed] if kind.allowed else []),
                 *([] if shown in (None, "") or positional else [f"default {shown}"])]
        text = f"{help} ({'; '.join(notes)})" if notes else help
        options: dict[str, Any] = {"nargs": "*"} if positional else {
            "dest": name, "required": required, "nargs": "+" if many else None}
        action = self._target.add_argument(
            *names, *aliases, action=_Given, default=argparse.SUPPRESS, metavar=kind.metavar,
            help=text.replace("%", "%%"), **options)
        action.aliases, action.commas = set(aliases), commas
        self._kinds[name] = kind, many or positional
        self._defaults_of[name] = (
            list(default) if isinstance(default, tuple) else
            Path(default) if kind.metavar in ("DIR", "FILE") and default else default)

    def flag(self, name: str, *, help: str) -> None:
        """Add an option without a value, off where it is not given."""
        action = self._target.add_argument(name, action=_Flag, default=argparse.SUPPRESS,
                                           nargs=0, help=help.replace("%", "%%"))
        self._defaults_of[action.dest] = False

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read a command line; SystemExit with code 2 and one last sentence if it is wrong."""
        arguments = Arguments(given={})
        super().parse_args(args, arguments)
        try:
            for name, default in self._defaults_of.items():
                setattr(arguments, name, self._read(name, getattr(arguments, name))
                        if name in arguments.given else default)
        except ValueError as error:
            self.error(str(error))
        return arguments

    def _read(self, name: str, given: Any) -> Any:
        """From the texts of an option to its value."""
        if name not in self._kinds:
            return given
        kind, many = self._kinds[name]
        if not many:
            return kind.read(name, given)
        return [kind.read(name, text) for text in given]

    def error(self, message: str) -> NoReturn:
        """Print the usage and one last line, and exit with code 2."""
        for pattern, contract in _CONTRACT:
            if found := re.fullmatch(pattern, message, re.S):
                # The first long one of "-o/--output" or "--patterns/--pattern".
                names = [name[2:] for name in found[1].split("/") if name.startswith("--")]
                name = (names or [found[1]])[0].replace("-", "_")
                message = found.expand(contract.format(name))
        super().error("".join(map(_printable, message)))

    def format_usage(self) -> str:
        """One line: what must be given, and that there are options."""
        self._shorten()
        return super().format_usage()

    def format_help(self) -> str:
        """Everything, in 80 columns."""
        self._shorten()
        return super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Print the help, on standard output; what keeps it from being printed is raised."""
        (file or sys.stdout).write(self.format_help())

    def _shorten(self) -> None:
        needed = [f"{action.option_strings[-1 - len(action.aliases)]} {action.metavar}"  # type: ignore[attr-defined]
                  for action in self._actions if action.required and action.option_strings]
        places = [f"[{action.dest} ...]" for action in self._actions if not action.option_strings]
        self.usage = " ".join(["%(prog)s", *needed, "[options]", *places])


def _printable(character: str) -> str:
    """A character as it is, or as Python writes it where it would end or hide the line."""
    return character if character.isprintable() else repr(character)[1:-1]


class _Given(argparse.Action):
    """Takes the texts of an option; lists grow, anything else stands once."""

    def __call__(self, parser, namespace, values, option_string=None):
        if values == [] and self.option_strings:  # what argparse makes of "--" behind "="
            values = ["--"] if self.nargs == "+" else "--"
        if isinstance(values, list):
            if self.option_strings and self.commas:
                values = [part for text in values for part in (text.split(",") if "," in text
                                                               else [text])]
            values = getattr(namespace, self.dest, []) + values
        elif self.dest in namespace.given:
            parser.error(f"{self.dest} must be given once, not twice: "
                         f"{namespace.given[self.dest]!r} and {values!r}")
        setattr(namespace, self.dest, values)
        namespace.given[self.dest] = values if isinstance(values, str) else " ".join(values)


class _Flag(argparse.Action):
    """Takes that an option stands there."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, True)
        namespace.given[self.dest] = option_string


class _Help(argparse.HelpFormatter):
    """Help of 80 columns without the old spellings; paragraphs of the description stay apart."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=26, width=WIDTH)

    def _fill_text(self, text, width, indent):
        return "\n\n".join(super(_Help, self)._fill_text(paragraph, width, indent)
                           for paragraph in text.split("\n\n"))

    def _split_lines(self, text, width):
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _format_action_invocation(self, action):
        if not action.option_strings:
            return super()._format_action_invocation(action)
        names = [name for name in action.option_strings
                 if name not in getattr(action, "aliases", ())]
        value = f" {action.metavar}" if action.metavar else ""
        several = " ..." if action.nargs == "+" else ""
        return f"{', '.join(names)}{value}{several}"
