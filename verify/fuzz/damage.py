"""Damage: texts and bytes that were right once, and are no longer."""

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st


__all__ = ["JUNK", "NUMBERS", "PIECES", "damaged", "damaged_bytes", "damaged_tree"]


NUMBERS = ("0", "-1", "1", "2", "3", "7", "64", "65", "255", "4096", "2147483648",
           "18446744073709551616", "9" * 5000, "1e999", "-1e999", "1e-999", "1e5", "0.5", "1.2.3",
           "nan", "inf", "-0", "+1", "1_0", "0x10", "\u0663", "\u00b2", ".", "-", "e", "")
"""Numbers at the ends of ranges and beyond them, and what only looks like one."""

PIECES = ("", " ", "\n", "\r", "\0", "\t", "{", "}", "(", ")", "[", "]", '"', "'", "\\", "#", ",",
          ";", ":", "=", "/*", "//", "true", "null", "\ufeff", "\u2028", "\u00e9", "x",
          "{" * 3000, "(" * 3000, "[" * 3000)
"""What is put in between: brackets, quotes, ends of lines, deep nesting."""


JUNK: tuple[Any, ...] = (None, True, False, 0, -1, 1, 1 << 70, 0.5, float("nan"), float("inf"), "",
                         "x", "8:16", [], [0], {}, {"x": 1})
"""Values of every kind that JSON and checkpoints can hold."""


def damaged(text: str, most: int = 4) -> st.SearchStrategy[str]:
    """Draw a text with up to ``most`` places cut, doubled, exchanged or written over."""
    numbers = [match.span() for match in re.finditer(r"[\d.]+", text)]
    words = [match.span() for match in re.finditer(r"\w+", text)]

    @st.composite
    def draw_damaged(draw):
        edits = [_edit(draw, text, numbers, words) for _ in range(draw(st.integers(0, most)))]
        result, start = [], len(text)
        # From the end on, so that places stay where they are.
        for low, high, new in sorted(edits, reverse=True):
            if high <= start:
                result += [text[high:start], new]
                start = low
        return "".join(reversed([*result, text[:start]]))

    return draw_damaged()


def _edit(draw: Callable, text: str, numbers: list, words: list) -> tuple[int, int, str]:
    """From where to where a text is written over, and with what."""
    kind = draw(st.sampled_from(("number", "word", "piece", "drop", "double", "end")))
    if kind == "number" and numbers:
        return *draw(st.sampled_from(numbers)), draw(st.sampled_from(NUMBERS))
    if kind == "word" and words:
        other = draw(st.sampled_from(words))
        return *draw(st.sampled_from(words)), text[slice(*other)]
    low = draw(st.integers(0, len(text)))
    if kind == "end":
        return low, len(text), ""
    high = min(len(text), low + draw(st.integers(0, 60)))
    if kind == "double":
        return low, high, 2 * text[low:high]
    return (low, high, "") if kind == "drop" else (low, low, draw(st.sampled_from(PIECES)))


def damaged_bytes(content: bytes, most: int = 4) -> st.SearchStrategy[bytes]:
    """Draw bytes with up to ``most`` places cut or written over."""
    @st.composite
    def draw_damaged(draw):
        result = content
        for _ in range(draw(st.integers(0, most))):
            low = draw(st.integers(0, len(result)))
            high = draw(st.sampled_from((low, low + 1, low + 8, len(result))))
            result = result[:low] + draw(st.binary(max_size=9)) + result[high:]
        return result

    return draw_damaged()


def damaged_tree(tree: Any, junk: tuple = JUNK, most: int = 3) -> st.SearchStrategy[Any]:
    """Draw nested dicts and lists with up to ``most`` values left out, renamed or exchanged."""
    @st.composite
    def draw_damaged(draw):
        result = tree
        for _ in range(draw(st.integers(0, most))):
            result = _exchanged(draw, result, junk)
        return result

    return draw_damaged()


def _exchanged(draw: Callable, tree: Any, junk: tuple) -> Any:
    """A copy with one value, at any depth, changed."""
    inside = isinstance(tree, (dict, list)) and len(tree) > 0
    if not inside or draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from(junk))
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    key = draw(st.sampled_from(list(tree) if isinstance(tree, dict) else range(len(tree))))
    kind = draw(st.integers(0, 7))
    if kind == 0:
        del copy[key]
    elif kind == 1 and isinstance(copy, dict):
        copy["other"] = copy.pop(key)
    elif kind == 2 and isinstance(copy, list):
        copy.append(copy[key])
    else:
        copy[key] = _exchanged(draw, copy[key], junk)
    return copy
