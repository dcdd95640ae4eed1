"""The syntax of Liberty: groups, attributes, comments."""

import re
from dataclasses import dataclass, field


__all__ = ["STATEMENT", "Group", "Text", "unquote"]


_NOISE = re.compile(r'("[^"]*")|/\*.*?\*/|//[^\n]*', re.DOTALL)
_BRACE = re.compile(r'"[^"]*"|[{}]')
STATEMENT = re.compile(r"""
    [\s;]* (?P<name>[A-Za-z_]\w*) \s*
    (?: \( (?P<arguments>(?:"[^"]*"|[^")])*) \) \s* (?P<open>\{)?
      | : \s* (?P<value>"[^"]*"|[^;}\n]*) )""", re.VERBOSE)
"""The head of a group, or an attribute."""


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

    def parse(self, start: int, end: int, group: Group, skip: frozenset[str]) -> Group:
        """Fill ``group`` with what stands from ``start`` to ``end``; ``skip`` stays empty."""
        while (match := STATEMENT.match(self.text, start, end)) is not None:
            start = match.end()
            name, arguments = match["name"], match["arguments"]
            if match["open"]:
                close = self.closing.get(start - 1, end)
                inner = Group(name, unquote(arguments), span=(match.start("name"), close + 1))
                group.groups.append(inner)
                if name not in skip:
                    self.parse(start, close, inner, skip)
                start = close + 1
            else:
                group.attributes[name] = unquote(match["value"] if arguments is None
                                                  else arguments)
        return group


def unquote(text: str) -> str:
    """A value without the quotes around it; a list of several keeps them."""
    return text.strip().strip('"') if text.count('"') <= 2 else text.strip()
