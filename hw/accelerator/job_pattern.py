"""The pattern that software asks for, as the compressor and the array take it."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from hw.config import Design
from hw.stream.members import only_if
from hw.stream.payloads import Asked


__all__ = ["JobPattern"]


class JobPattern(wiring.Component):
    """Reads the fields of JOB_PATTERN and THRESHOLD. Combinational.

    Parameters
    ----------
    design : Design

    Members
    -------
    keep, size : In(8)
        Values to keep of each block, and values of a block; 0 stands for the design's own.
    threshold : In(16)
        0, or the least score of the values to keep; there is then no pattern.
    legal : Out(1)
        Whether the design runs this pattern. What follows is not defined otherwise.
    asked : Out(Asked), only where something is flexible
        The same for the selector.
    steps : Out(range(design.most_steps + 1))
        Steps of M values in the array, see ``hw.config.Design.steps``; with a threshold those
        of a block that keeps everything.
    """

    def __init__(self, design: Design):
        super().__init__({
            "keep": In(8), "size": In(8), "threshold": In(16), "legal": Out(1),
            **only_if(design.flexible != "none", asked=Out(Asked(design.pattern, design.flexible))),
            "steps": Out(range(design.most_steps + 1)),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design, own = self.design, self.design.pattern
        keep, size = Signal(8), Signal(8)
        m.d.comb += [keep.eq(Mux(self.keep == 0, own.n, self.keep)),
                     size.eq(Mux(self.size == 0, own.m, self.size))]
        legal, steps = self._fixed(keep, size) if design.flexible == "none" else \
            self._flexible(m, keep, size)
        possible = design.unstructured and self.threshold < 1 << design.score_width
        m.d.comb += [self.legal.eq(Mux(self.threshold == 0, legal, possible)),
                     self.steps.eq(Mux(self.threshold == 0, steps, design.most_steps))]
        return m

    def _fixed(self, keep, size):
        own = self.design.pattern
        return (keep == own.n) & (size == own.m), 1

    def _flexible(self, m, keep, size):
        design, own = self.design, self.design.pattern
        legal = Signal()
        kept = Signal(range(own.m + 1))  # of M values
        logs = range(1, ceil_log2(own.m) + 1) if design.flexible == "all" else [None]
        with m.Switch(size):
            for log in logs:
                block = own.m if log is None else 1 << log
                with m.Case(block):
                    m.d.comb += [legal.eq(keep <= block), kept.eq(keep * (own.m // block))]
                    if log is not None:
                        m.d.comb += self.asked.size.eq(log)
        more = [kept > steps * own.n for steps in range(1, design.most_steps)]
        m.d.comb += self.asked.n.eq(keep)
        return legal, 1 + sum(more)
