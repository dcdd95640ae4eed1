"""Bench of compressor and decompressor between a source and a sink of cocotbext-axi."""

import itertools

import cocotb
import numpy as np

from sim.benches import load
from sim.benches.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource, coin
from sim.benches.stream import Monitor, Port, reset, start_clock


VECTORS = load()
LONG = 200
"""Cycles for which a sink that stops takes nothing."""

PAUSES = {"none": lambda: iter([]), "often": lambda: coin(0.5), "rarely": lambda: coin(0.1),
          "long": lambda: itertools.cycle([*[False] * 5, *[True] * LONG])}


def frames(side: str) -> list[AxiStreamFrame]:
    """Packets of the vectors, ``input`` or ``output``; ``tuser`` stands beside every byte."""
    data, last = VECTORS[f"{side}_data"], VECTORS[f"{side}_last"].ravel()
    user = VECTORS.get(f"{side}_user", np.zeros((len(data), 1), bool))
    numbers = [int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")
               for row in user.astype(bool)]
    ends = np.flatnonzero(last) + 1
    return [AxiStreamFrame(data[start:end].tobytes(),
                           tuser=list(np.repeat(numbers[start:end], data.shape[1]).tolist()))
            for start, end in itertools.pairwise([0, *ends])]


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(source=list(PAUSES), sink=list(PAUSES))
async def packets_arrive_whole(dut, source, sink):
    """Every packet comes with its bytes, its ``tuser`` and its end, whatever stops for long."""
    start_clock(dut)
    into = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
    out = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
    await reset(dut)
    Monitor(Port(dut, "m_axis"))
    into.set_pause_generator(PAUSES[source]())
    out.set_pause_generator(PAUSES[sink]())
    for frame in frames("input"):
        await into.send(frame)
    for k, expected in enumerate(frames("output")):
        got = await out.recv(compact=False)
        assert bytes(got.tdata) == bytes(expected.tdata), f"packet {k}"
        assert list(got.tuser) == list(expected.tuser), f"tuser of packet {k}"
    assert into.idle()
    assert out.empty()
