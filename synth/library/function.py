"""Boolean functions as Liberty writes them: ``!`` and ``'`` bind closest, then XOR, AND, and OR."""

import re
from collections.abc import Callable, Mapping

from synth.library.syntax import Wrong


__all__ = ["bracketed", "compile_function", "expression"]


_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[()!'&*+|^])", re.ASCII)
_BRACKETS = {"&": ") & (", "|": ")) | ((", "(": "(((", "(~": "(((~", ")": ")))"}


def compile_function(text: str, inputs: tuple[str, ...]) -> Callable[..., int]:
    """Turn a Liberty function into a Python function of integers, evaluated bit by bit.

    The result has ones above the bits of interest where an inversion made them; mask it.

    Raises
    ------
    Wrong
        If the text is no function of the inputs.
    """
    names = {pin: f"p{k}" for k, pin in enumerate(inputs)}
    try:
        # Built from tokens only: names of arguments, constants and operators.
        return eval(f"lambda {', '.join(names.values())}: {_infix(_tokens(text), names)}")
    except (SyntaxError, LookupError, MemoryError, RecursionError):
        raise _wrong(text, names) from None


def expression(text: str, names: Mapping[str, str]) -> str:
    """Write a Liberty function as an expression of bits, in operators of both Python and Verilog.

    Parameters
    ----------
    text : str
        The function.
    names : mapping of str to str
        What stands for each input.

    Raises
    ------
    Wrong
        If the text is no function of the inputs.
    """
    compile_function(text, tuple(names))
    return _infix(_tokens(text), names)


def bracketed(text: str) -> str:
    """A Liberty function with brackets around XOR beside AND: ABC reads AND first."""
    tokens = _tokens(text)
    infix = _infix(tokens, {token: token for token in tokens})
    return infix.replace("~", "!") if "^" in infix and "&" in infix else text


def _wrong(text: str, names: Mapping[str, str]) -> Wrong:
    return Wrong(f"liberty must have Boolean functions of {', '.join(names) or 'no pins'}, "
                 f"not {text!r}")


def _tokens(text: str) -> list[str]:
    """Names, constants and operators; LookupError if there is anything else."""
    tokens, end = [], 0
    while end < len(text.rstrip()):
        if (found := _TOKEN.match(text, end)) is None:
            raise LookupError(text[end])
        tokens.append(found[1])
        end = found.end()
    return tokens


def _infix(tokens: list[str], names: Mapping[str, str]) -> str:
    """The function with operators between their operands.

    LookupError for a name that is no input, or a lone bracket.
    """
    infix: list[str] = []
    starts: list[int] = []
    last = 0
    for index, token in enumerate(tokens):
        operand = token not in ")'&*+|^"
        if operand and index and tokens[index - 1] not in "(!&*+|^":
            infix.append("&")
        if token == "(":
            starts.append(len(infix))
            infix.append("(")
        elif token == ")":
            last = starts.pop()
            infix.append(")")
        elif token == "'":
            infix[last:] = ["(~", *infix[last:], ")"]
        elif token in "&*+|^!":
            infix.append({"*": "&", "+": "|", "!": "~"}.get(token, token))
        else:
            last = len(infix)
            infix.append(token if token in "01" else names[token])
    if "^" in infix and "&" in infix:
        # Python and Verilog have AND before XOR: brackets around all that stands between ANDs.
        infix = ["((", *(_BRACKETS.get(part, part) for part in infix), "))"]
    return " ".join(infix)
