"""Members and fields that only some designs have, and what all streams of a component do."""

from functools import reduce
from operator import or_

from amaranth.hdl import Value
from amaranth.lib import wiring


__all__ = ["moves", "only_if"]


def only_if(condition, **members) -> dict:
    """Return ``members`` if a design has them, and none otherwise: where they exist, and when."""
    return members if condition else {}


def moves(component: wiring.Component) -> Value:
    """Whether a stream of the component, a member ``i_...`` or ``o_...``, transfers now."""
    streams = [getattr(component, name) for name in component.signature.members
               if name.startswith(("i_", "o_"))]
    return reduce(or_, [stream.valid & stream.ready for stream in streams])
