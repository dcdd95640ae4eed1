"""Boolean functions as Liberty writes them."""

import re
from collections.abc import Callable


__all__ = ["compile_function"]


def compile_function(text: str, inputs: tuple[str, ...]) -> Callable[..., int]:
    """Turn a Liberty function into a Python function of integers, evaluated bit by bit.

    The result has ones above the bits of interest where an inversion made them; mask it.
    """
    names = {pin: f"p{index}" for index, pin in enumerate(inputs)}
    tokens = re.findall(r"[A-Za-z_][\w\[\]]*|[01]|[()!'&*+|^]", text)
    python: list[str] = []
    starts: list[int] = []
    last = 0
    for index, token in enumerate(tokens):
        operand = token not in ")'&*+|^"
        if operand and index and tokens[index - 1] not in "(!&*+|^":
            python.append("&")
        if token == "(":
            starts.append(len(python))
            python.append("(")
        elif token == ")":
            last = starts.pop()
            python.append(")")
        elif token == "'":
            python[last:] = ["(~", *python[last:], ")"]
        elif token in "&*+|^!":
            python.append({"*": "&", "+": "|", "!": "~"}.get(token, token))
        else:
            last = len(python)
            python.append(names.get(token, token))
    # Built from the tokens above only: names of arguments, constants and operators.
    return eval(f"lambda {', '.join(names.values())}: {' '.join(python)}")
