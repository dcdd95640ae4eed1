"""Generated selectors."""

from amaranth.hdl import Module, Shape, Value
from amaranth.lib import data

from hw.config import RESETS, Design
from hw.generate.tops.base import ASKED_MEANINGS, StreamTop, Top, asked_user
from hw.selector import COMBINATIONAL, ask, make_select_stage, make_selector
from hw.stream.axi import Axis, Port
from hw.stream.payloads import Asked


__all__ = ["SelectorTop", "StreamSelectorTop", "selector_top"]


class SelectorTop(Top):
    """``scores`` to ``mask``, combinational. A dense pattern keeps every lane."""

    latency = 0

    def __init__(self, design: Design):
        pattern, flexible, width = design.pattern, design.flexible, design.score_width
        inside = None if pattern.dense and flexible == "none" else make_selector(
            design.selector, pattern, width, flexible)
        self.asked = [] if flexible == "none" else [
            Port(name, "in", Shape.cast(shape).width, ASKED_MEANINGS[name])
            for name, shape in Asked(pattern, flexible).members.items()]
        super().__init__(design, inside, [
            Port("scores", "in", pattern.m * width, "M unsigned scores, lane 0 lowest"),
            *self.asked,
            Port("mask", "out", pattern.m, "n bits of each block set: the largest scores"
                 if self.asked else
                 "exactly N bits set: the largest scores"),
        ])

    def elaborate(self, platform):
        m = Module()
        if self.inside is None:
            m.d.comb += self.mask.eq(~0)
            return m
        m.submodules.selector = self.inside
        m.d.comb += [Value.cast(self.inside.scores).eq(self.scores), self.mask.eq(self.inside.mask)]
        if self.inside.flexible != "none":
            ask(m, self.inside, {port.name: getattr(self, port.name) for port in self.asked})
        return m


class StreamSelectorTop(StreamTop):
    """Stream of scores to stream of masks: the selectors that take several cycles."""

    def __init__(self, design: Design):
        pattern, flexible, width = design.pattern, design.flexible, design.score_width
        inside = make_select_stage(design.selector, data.StructLayout({"last": 1}), pattern, width,
                                   stages=design.stages, flexible=flexible)
        super().__init__(
            design, inside,
            Axis("s_axis", pattern.m * width, "M unsigned scores, lane 0 lowest",
                 "passed on", **asked_user(design), padded=design.pad_streams),
            Axis("m_axis", pattern.m, "mask: the largest scores", "of the scores",
                 padded=design.pad_streams))

    def sink_parts(self, payload):
        """Parts of the input's payload."""
        asked = payload.pattern if "pattern" in payload.shape().members else None
        return {"data": payload.scores, "last": payload.block.last, "user": asked}

    def source_parts(self, payload):
        """Parts of the output's payload."""
        return {"data": payload.mask, "last": payload.block.last}


def selector_top(design: Design) -> Top:
    """The combinational form where there is one and no stages are asked for.

    Raises
    ------
    ValueError
        If that is to have a reset or streams.
    """
    dense = design.pattern.dense and design.flexible == "none"
    if not dense and (design.stages or design.selector not in COMBINATIONAL):
        return StreamSelectorTop(design)
    for name, plain in (("reset", RESETS[0]), ("pad_streams", False)):
        if (value := getattr(design, name)) != plain:
            raise ValueError(f"{name} must be {plain} in a selector without a clock, not "
                             f"{value!r}")
    return SelectorTop(design)
