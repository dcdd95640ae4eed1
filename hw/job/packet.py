"""Parameters of a job that come beside its tokens, in one packet."""

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.job.job import Run


__all__ = ["JobPacket"]


class JobPacket(wiring.Component):
    """Hands a job the one packet that belongs to it, and keeps in step with ``last``.

    A beat is used while it is on offer and taken in the cycle after it: combinational from ``i``
    to ``o``, a beat every two cycles, and ``i.ready`` depends on registers only. Between jobs, and
    in a job that brings no packet, nothing is taken. If ``last`` comes before the job's last beat,
    the beats that are missing are zero; if it comes later, the surplus is dropped, up to and with
    ``last``. Reset, and ``drop``, forget the packet.

    Parameters
    ----------
    shape : StructLayout
        Payload of both streams; it has a field ``last``.

    Members
    -------
    i, o : In, Out(stream.Signature(shape))
        ``o.payload.last`` is as it came.
    run : In(Run())
    brings : In(1)
        The job brings a packet; stable while it runs.
    ends : In(1)
        The beat that ``o`` waits for is the job's last.
    tlast_error : Out(1)
        High for a cycle when ``last`` was early or late.
    """

    def __init__(self, shape):
        super().__init__({
            "i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape)),
            "run": In(Run()), "brings": In(1), "ends": In(1), "tlast_error": Out(1),
        })

    @property
    def variant(self) -> str:
        """Bits of a payload."""
        return f"{Shape.cast(self.i.payload.shape()).width}"

    def elaborate(self, platform):
        m = Module()
        active, missing, surplus, used = Signal(), Signal(), Signal(), Signal()
        uses, last, drop = Signal(), self.i.payload.last, self.run.drop
        m.d.comb += [
            Value.cast(self.o.payload).eq(Mux(missing, 0, Value.cast(self.i.payload))),
            self.o.valid.eq(active & ~drop & (missing | (self.i.valid & ~used & ~surplus))),
            self.i.ready.eq(used | surplus | drop),
            uses.eq(self.o.valid & self.o.ready),
            self.tlast_error.eq(uses & ~missing & (last != self.ends)),
        ]
        m.d.sync += used.eq(uses & ~missing)
        with m.If(surplus & ~used & self.i.valid & last):
            m.d.sync += surplus.eq(0)
        with m.If(self.tlast_error):
            m.d.sync += [missing.eq(last), surplus.eq(~last)]
        with m.If(uses & self.ends):
            m.d.sync += [active.eq(0), missing.eq(0)]
        with m.If(self.run.begin & self.brings):
            m.d.sync += active.eq(1)
        with m.If(drop):
            m.d.sync += [active.eq(0), missing.eq(0), surplus.eq(0), used.eq(0)]
        return m
