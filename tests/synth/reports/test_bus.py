"""What a bus adds to an accelerator, as a line."""

from dataclasses import replace

from hw.config import Design, Pattern
from synth.memories.whole import Whole
from synth.reports.bus import added
from synth.reports.rows import Measured


STREAMS = Design(Pattern(8, 16), rows=2)


def row(design, logic, memory):
    return Measured("accelerator", design, None, None, Whole(logic, memory))


def test_a_bus_is_compared_with_the_same_accelerator_with_streams():
    bus = replace(STREAMS, bus="axi4", bus_width=512)
    rows = [row(STREAMS, 1000.0, 400.0), row(replace(STREAMS, rows=4), 9000.0, 1.0),
            row(bus, 1250.0, 500.0)]
    assert list(added(rows, "GE")) == [
        "axi4 adds to 8:16, 2 x 4: logic +250 GE (+25.0 %), memories +100 GE (+25.0 %)"]
    assert list(added([row(STREAMS, 1000.0, None), row(bus, 1250.0, None)], "um2")) == [
        "axi4 adds to 8:16, 2 x 4: logic +250 um2 (+25.0 %)"]
    assert list(added(rows[1:], "GE")) == []


def test_decode_is_compared_with_streams_and_with_the_same_bus_without_it():
    bus = replace(STREAMS, bus="axi4")
    rows = [row(STREAMS, 1000.0, 400.0), row(bus, 1250.0, 500.0),
            row(replace(bus, decode=True), 1280.0, 506.0)]
    assert list(added(rows, "GE"))[1:] == [
        "axi4 with decode adds to 8:16, 2 x 4: logic +280 GE (+28.0 %), memories +106 GE (+26.5 %)",
        "decode adds to 8:16, 2 x 4: logic +30 GE (+2.4 %), memories +6 GE (+1.2 %)"]
    assert len(list(added(rows[1:], "GE"))) == 1
