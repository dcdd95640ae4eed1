"""What a flip-flop of a library does at the edge of its clock."""

import re
from collections.abc import Mapping

from synth.flow.gates import FIRST, LOW
from synth.library.function import compile_function
from synth.library.liberty import Cell


__all__ = ["clock_of", "next_state"]


def clock_of(cell: Cell, pins: Mapping[str, int]) -> str:
    """Pin of the clock of a flip-flop that nothing but the rising edge of its clock changes.

    Parameters
    ----------
    cell : Cell
        A sequential cell.
    pins : mapping of str to int
        Net of every pin that is connected, constants as :mod:`synth.flow.gates` has them.

    Raises
    ------
    ValueError
        If the cell is a latch, or a flip-flop that something else changes.
    """
    if cell.state is None:
        raise ValueError(f"design must hold no latches, not {cell.name}")
    clock = cell.state.attributes["clocked_on"].strip(" ()")
    if clock not in cell.inputs:
        raise ValueError(f"design must use rising edges alone, not those of {cell.name}")
    for kind in ("clear", "preset"):
        text = cell.state.attributes.get(kind, "0")
        read = tuple(pin for pin in cell.inputs if pin in re.findall(r"\w+", text))
        nets = [pins.get(pin, FIRST) for pin in read]
        # Tied to a constant that keeps it off, it is none.
        if max(nets, default=LOW) >= FIRST or compile_function(text, read)(*nets) & 1:
            raise ValueError(f"design must hold no flip-flop with a {kind}, not {cell.name}")
    return clock


def next_state(cell: Cell, output: str) -> str:
    """Function of the inputs that an output has.

    Of the inputs and the output itself that it will have after the clock, for a flip-flop.

    Raises
    ------
    ValueError
        If there is logic between the state of a flip-flop and its output.
    """
    function = cell.functions[output]
    if cell.state is None:
        return function
    state, inverse = re.findall(r"\w+", cell.state.name)
    if function.strip(" ()") not in (state, inverse):
        raise ValueError(f"design must hold no flip-flop with logic at its output, not {cell.name}")
    held, inverted = f"({output})", f"(!{output})"
    if function.strip(" ()") == inverse:
        held, inverted = inverted, held
    following = re.sub(r"\w+", lambda word: {state: held, inverse: inverted}.get(word[0], word[0]),
                       cell.state.attributes["next_state"])
    return following if held == f"({output})" else f"!({following})"
