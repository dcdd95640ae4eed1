"""RTLIL in which operands are as wide as their operation, for Verilog that lints without a warning.

RTLIL extends the operands of a cell by itself. Verilog does, too, but a linter cannot know that it
was meant, so every extension is written out; it is wires, not logic.
"""

import re


__all__ = ["equal_widths"]


_COMPARE = ("lt", "le", "gt", "ge", "eq", "ne")
_ADD = ("add", "sub")
_SHIFT = ("shl", "shr", "sshr", "shift", "shiftx")
_CELL = re.compile(rf"^  cell \$({'|'.join((*_COMPARE, *_ADD, *_SHIFT, 'neg'))}) .*?^  end\n",
                   re.M | re.S)
_EMPTY = re.compile(r"^  wire width 0 (?:.* )?([\\$]\S+)\n", re.M)
_ANY_CELL = re.compile(r"^  cell \$.*?^  end\n", re.M | re.S)
_INSTANCE = re.compile(r"^  cell \\.*?^  end\n", re.M | re.S)


def equal_widths(text: str) -> str:
    """Write out every extension of an operand, and drop what has no bits, in RTLIL."""
    return _without_empty(_CELL.sub(_extended, text))


def _without_empty(text: str) -> str:
    """Drop wires and ports of zero bits, which Verilog does not have, and cells that drive them."""
    names = _EMPTY.findall(text)
    if not names:
        return text
    named = "|".join(re.escape(name) for name in names)
    drives = re.compile(rf"^ *connect \\Y (?:{named})(?: \[\])?\n", re.M)
    text = _ANY_CELL.sub(lambda cell: "" if drives.search(cell[0]) else cell[0], text)
    wired = re.compile(rf"^( *connect \S+) (?:{named})(?: \[\])?\n", re.M)
    text = _INSTANCE.sub(lambda instance: wired.sub("", instance[0]), text)
    text = wired.sub(r"\1 { }\n", text)
    text = re.sub(rf"^ *(?:connect|assign) (?:{named})(?: \[\])? .*\n", "", text, flags=re.M)
    return _EMPTY.sub("", text)


def _extended(match: re.Match) -> str:
    """A cell with operands of the width that Verilog expects."""
    cell, kind = match[0], match[1]
    width = {port: int(found) for port, found in
             re.findall(r"parameter \\([ABY])_WIDTH (\d+)", cell)}
    if kind in _COMPARE:
        wanted = max(width["A"], width["B"])
    elif kind in _ADD:
        # A sum may have one bit more than its operands: its carry.
        wanted = max(width["A"], width["B"], width["Y"] - 1)
    else:
        wanted = max(width["A"], width["Y"])
    for port in "A" if kind in (*_SHIFT, "neg") else "AB":
        cell = _extend(cell, port, width[port], wanted)
    return _narrow(cell, width["Y"], wanted) if kind in _SHIFT else cell


def _extend(cell: str, port: str, width: int, wanted: int) -> str:
    """Extend an operand by its sign, or by zeros."""
    if width == wanted:
        return cell
    signed = f"parameter \\{port}_SIGNED 1" in cell and width
    operand = re.search(rf"connect \\{port} (.*)\n", cell)[1]  # type: ignore[index]
    if constant := re.fullmatch(r"\d+'([01]+)", operand):
        digits = constant[1].rjust(wanted, constant[1][0] if signed else "0")
        longer = f"{wanted}'{digits}"
    elif signed:
        longer = f"{{ {f'{operand} [{width - 1}] ' * (wanted - width)}{operand} }}"
    else:
        longer = f"{{ {wanted - width}'{'0' * (wanted - width)} {operand} }}"
    return (cell.replace(f"connect \\{port} {operand}\n", f"connect \\{port} {longer}\n")
            .replace(f"parameter \\{port}_WIDTH {width}\n", f"parameter \\{port}_WIDTH {wanted}\n"))


def _narrow(cell: str, width: int, wanted: int) -> str:
    """Take the lower bits of a shift that has more of them than are used."""
    if width == wanted:
        return cell
    result = re.search(r"connect \\Y (.*)\n", cell)[1]  # type: ignore[index]
    name = f"\\{result.lstrip(chr(92))}_shifted"
    cell = (cell.replace(f"connect \\Y {result}\n", f"connect \\Y {name}\n")
            .replace(f"parameter \\Y_WIDTH {width}\n", f"parameter \\Y_WIDTH {wanted}\n"))
    return f"  wire width {wanted} {name}\n{cell}connect {result} {name} [{width - 1}:0]\n"
