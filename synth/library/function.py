"""Boolean functions as Liberty writes them."""

import re
from collections.abc import Callable

from synth.library.syntax import Wrong


__all__ = ["compile_function"]


_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[()!'&*+|^])", re.ASCII)


def compile_function(text: str, inputs: tuple[str, ...]) -> Callable[..., int]:
    """Turn a Liberty function into a Python function of integers, evaluated bit by bit.

    The result has ones above the bits of interest where an inversion made them; mask it.

    Raises
    ------
    Wrong
        If the text is no function of the inputs.
    """
    try:
        # Built from tokens only: names of arguments, constants and operators.
        return eval(_python(_tokens(text), {pin: f"p{k}" for k, pin in enumerate(inputs)}))
    except (SyntaxError, LookupError, MemoryError, RecursionError):
        raise Wrong(f"liberty must have Boolean functions of {', '.join(inputs) or 'no pins'}, "
                    f"not {text!r}") from None


def _tokens(text: str) -> list[str]:
    """Names, constants and operators; LookupError if there is anything else."""
    tokens, end = [], 0
    while end < len(text.rstrip()):
        if (found := _TOKEN.match(text, end)) is None:
            raise LookupError(text[end])
        tokens.append(found[1])
        end = found.end()
    return tokens


def _python(tokens: list[str], names: dict[str, str]) -> str:
    """The function as Python; LookupError for a name that is no input, or a lone bracket."""
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
            python.append(token if token in "01" else names[token])
    return f"lambda {', '.join(names.values())}: {' '.join(python)}"
