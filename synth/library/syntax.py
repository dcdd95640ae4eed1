"""The syntax of Liberty: groups, attributes, comments, numbers."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field


__all__ = ["STATEMENT", "Group", "Text", "Wrong", "figure", "unquote"]


_NOISE = re.compile(r'("[^"]*")|/\*.*?\*/|//[^\n]*', re.DOTALL)
_SEPARATORS = str.maketrans(",\"\\", "   ")
_BRACE = re.compile(r'"[^"]*"|[{}]')
STATEMENT = re.compile(r"""
    [\s;]* (?P<name>[A-Za-z_]\w*) \s*
    (?: \( (?P<arguments>(?:"[^"]*"|[^")])*) \) \s* (?P<open>\{)?
      | : \s* (?P<value>"[^"]*"|[^;}\n]*) )""", re.VERBOSE)
"""The head of a group, or an attribute."""


_DEEPEST = 32
"""Groups inside each other; libraries have six or so."""


class Wrong(ValueError):
    """Something in a library is none of what stands there; the message is a whole sentence."""


@dataclass
class Group:
    """One ``kind (name) { ... }`` of a Liberty file, without the quotes of its values."""

    kind: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)
    span: tuple[int, int] = (0, 0)

    def find(self, kind: str) -> list["Group"]:
        """Groups of one kind that stand directly in this one."""
        return [group for group in self.groups if group.kind == kind]

    def number(self, attribute: str, default: float | None = None) -> float:
        """The number of an attribute; :class:`Wrong` if it is none, or missing without default."""
        text = self.attributes.get(attribute)
        if text is None and default is not None:
            return default
        return figure(text or "", f"{attribute} of {self.kind} {self.name}")

    def numbers(self, attribute: str, default: str = "") -> list[float]:
        """The list of numbers of an attribute; :class:`Wrong` if one is none."""
        texts = self.attributes.get(attribute, default).translate(_SEPARATORS).split()
        return [figure(text, f"{attribute} of {self.kind} {self.name}") for text in texts]


class Text:
    """Text of a library, with the place of every closing brace."""

    def __init__(self, text: str):
        self.text = _NOISE.sub(lambda match: match[1] or " ", text).replace("\\\n", " ")
        self.closing: dict[int, int] = {}
        opened = []
        for match in _BRACE.finditer(self.text):
            if match[0] == "{":
                opened.append(match.start())
            elif match[0] == "}" and opened:
                self.closing[opened.pop()] = match.start()

    def parse(self, start: int, end: int, group: Group, skip: Iterable[str],
              depth: int = 0) -> Group:
        """Fill ``group`` with what stands from ``start`` to ``end``; ``skip`` stays empty."""
        if depth > _DEEPEST:
            raise Wrong(f"liberty must have at most {_DEEPEST} groups inside each other, not more")
        while (match := STATEMENT.match(self.text, start, end)) is not None:
            start = match.end()
            name, arguments = match["name"], match["arguments"]
            if match["open"]:
                close = self.closing.get(start - 1, end)
                inner = Group(name, " ".join(unquote(arguments).split()),  # messages name it
                              span=(match.start("name"), close + 1))
                group.groups.append(inner)
                if name not in skip:
                    self.parse(start, close, inner, skip, depth + 1)
                start = close + 1
            else:
                group.attributes[name] = unquote(match["value"] if arguments is None
                                                  else arguments)
        return group


def figure(text: str, what: str) -> float:
    """A finite number; :class:`Wrong`, with the name of ``what`` it is, if it is none."""
    try:
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Wrong(f"liberty must have a number as {what}, not {text!r}")
    return value


def unquote(text: str) -> str:
    """A value without the quotes around it; a list of several keeps them."""
    return text.strip().strip('"') if text.count('"') <= 2 else text.strip()
