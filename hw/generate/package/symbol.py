"""The block symbol as an SVG picture."""

from dataclasses import dataclass
from html import escape

from hw.generate.package.description import Description


__all__ = ["symbol"]


ROW, ARROW, MARGIN, LETTER, HEAD = 26, 60, 12, 8, 58
"""Height of a row, length of an arrow, space around, width of a letter, height of the title."""


@dataclass(frozen=True)
class _Pin:
    """A port or a bus: its name, what stands on its arrow, and where data go."""

    name: str
    size: str
    bus: bool
    left: bool
    inwards: bool


def symbol(about: Description) -> str:
    """SVG text: what takes part as slave or is an input on the left, the rest on the right."""
    pins = _pins(about)
    sides = [[pin for pin in pins if pin.left], [pin for pin in pins if not pin.left]]
    longest = [max((len(pin.name) for pin in side), default=0) for side in sides]
    block = max(LETTER * (sum(longest) + 4), LETTER * (len(about.title) + 2))
    left, top = MARGIN + ARROW, MARGIN
    height = HEAD + ROW * max(map(len, sides)) + MARGIN
    lines = [_text(left + block / 2, top + 22, about.top, "middle", 'font-weight="bold"'),
             _text(left + block / 2, top + 42, about.title, "middle", 'font-size="11"')]
    for side, edge in zip(sides, (left, left + block), strict=True):
        for row, pin in enumerate(side):
            lines += _drawn(pin, edge, top + HEAD + ROW * row + ROW // 2)
    width, whole = block + 2 * (ARROW + MARGIN), height + 2 * MARGIN
    lines.insert(0, f'  <rect x="{left}" y="{top}" width="{block}" height="{height}" '
                    'fill="#f4f6fa" stroke="black" stroke-width="1.5"/>')
    return "\n".join([_SVG.format(width=width, height=whole, title=escape(about.top)), *lines,
                      "</svg>", ""])


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
     viewBox="0 0 {width} {height}" font-family="monospace" font-size="13">
  <title>{title}</title>
  <defs>
    <marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
            markerUnits="userSpaceOnUse" orient="auto">
      <path d="M0 0L8 4L0 8z"/>
    </marker>
  </defs>
  <rect width="{width}" height="{height}" fill="white"/>"""


def _pins(about: Description) -> list[_Pin]:
    control = [port for port in (about.clock, about.reset) if port]
    pins = [_Pin(port.name, str(port.width) if port.width > 1 else "", False,
                 port.direction == "in", port.direction == "in")
            for port in [*control, *about.plain]]
    buses = [_Pin(one.name, str(one.data_width), True, not one.master, not one.master)
             for one in about.interfaces]
    return pins[:len(control)] + buses + pins[len(control):]


def _drawn(pin: _Pin, edge: float, y: float) -> list[str]:
    """Arrow, size and name of a pin; a bus of addresses and data goes both ways, yet has a side."""
    outer = edge - ARROW if pin.left else edge + ARROW
    start, end = (outer, edge) if pin.inwards else (edge, outer)
    inside = edge + LETTER if pin.left else edge - LETTER
    width = 4 if pin.bus else 1.2
    arrow = f'x1="{start}" y1="{y}" x2="{end}" y2="{y}" marker-end="url(#head)"'
    lines = [f'  <line {arrow} stroke="black" stroke-width="{width}"/>',
             _text(inside, y + 4, pin.name, "start" if pin.left else "end")]
    if pin.size:
        lines.append(_text((outer + edge) / 2, y - 5, pin.size, "middle", 'font-size="10"'))
    return lines


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'  <text x="{x:g}" y="{y:g}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
