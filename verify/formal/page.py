"""What was proved, as a table: for the terminal and for the documentation."""

from collections.abc import Sequence

from hw import VERSION
from verify.formal.engine import Outcome
from verify.formal.names import GROUPS
from verify.formal.properties import Property


__all__ = ["cells", "page"]


def cells(about: Property, outcome: Outcome) -> tuple[str, ...]:
    """Group, subject, pattern, number of rules, engine, what became of them, and seconds."""
    return (about.group, about.subject, str(about.pattern or ""), str(len(outcome.rules)),
            outcome.engine, outcome.result, f"{outcome.seconds:.0f}")


def page(done: Sequence[tuple[Property, Outcome]], before: str = "") -> str:
    """Return the page in Markdown: for each group its rules, and a table of what they hold for.

    Groups of which nothing was done stay as they were on the page ``before``.
    """
    parts, kept = [_HEAD.format(version=VERSION)], {
        part.splitlines()[0].lower(): f"## {part}" for part in f"{before}\n".split("\n## ")[1:]}
    for group, text in GROUPS.items():
        rows = [(about, outcome) for about, outcome in done if about.group == group]
        if not rows and group in kept:
            parts.append(f"{kept[group].rstrip()}\n")
        if rows:
            parts.append(f"## {group.capitalize()}\n\n{text[0].upper()}{text[1:]}.\n\n"
                         f"{_rules(rows)}\n{_table(rows)}")
    return "\n".join(parts)


_HEAD = """\
# Proofs

What holds of the generated Verilog for all inputs and at all times, whatever flip-flops and
memories hold at power-up and whenever a reset comes? Every rule below that is called proved: none
has a bound in time. [Verification](verification.md#proofs) says how. Written by
`python -m verify.formal -o docs` (version {version}); seconds, of a busy machine, compare rows.
"""


def _rules(rows: Sequence[tuple[Property, Outcome]]) -> str:
    """The rules of a group, one to a line."""
    rules: dict[str, str] = {}
    for _, outcome in rows:
        rules |= outcome.rules
    return "".join(f"* `{name}`: {text}\n" for name, text in rules.items())


def _table(rows: Sequence[tuple[Property, Outcome]]) -> str:
    lines = ["| subject | pattern | rules | engine | result | s |",
             "|---|---|---|---|---|---|"]
    for about, outcome in rows:
        _, *shown = cells(about, outcome)
        shown[2] = ", ".join(f"`{rule}`" for rule in outcome.rules)
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"
