"""What a layer takes: bytes are those of the driver's beats, words those that the order needs."""

from dataclasses import replace

import pytest
import torch

from hw.config import Design, Pattern
from hw.fixed_point import Output
from sw.driver.linear import Channels, Corrections, linear_job
from synth.memories.buffers import buffers
from synth.performance.clock import Job, times
from synth.performance.layer import Energy, Layer, accesses, perform, traffic
from synth.performance.roofline import own_bandwidth, point
from synth.performance.scalesim import COMPUTE, TOPOLOGY, compute_report, topology


SMALL = Design(Pattern(2, 4), rows=3, columns=2, tile=2, max_k=64, batch_tokens=8)


@pytest.mark.parametrize("changed", [
    {}, {"coefficients": 4}, {"columns": 5, "accumulator_width": 29}], ids=str)
@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("features", [20, 64, 130])
def test_bytes_are_those_of_the_beats(changed, corrected, features):
    design = replace(SMALL, **changed)
    if features > design.max_k and design.whole_tokens:
        design = replace(design, max_k=132)
    x, w = torch.zeros(20, features, dtype=torch.int8), torch.zeros(7, features, dtype=torch.int8)
    one = torch.ones(7, dtype=torch.int64)
    given = Corrections(Output.INT8 if corrected else Output.RAW, channels=Channels(one, one, one),
                        token_scale=torch.ones(20, 1, dtype=torch.int64) if corrected else None)
    job = linear_job(design, x, w, given)
    sizes = {name: beats.data.size for name, beats in job.inputs.items()}
    found = traffic(design, Job(20, design.pattern.blocks(features), -(-7 // design.columns),
                                corrected=corrected, coefficients=design.channel_bits > 0))
    assert found == {
        "tokens": sizes.pop("act"), "weights": sizes.pop("weight"),
        "results": job.results * -(-design.columns * design.accumulator_width // 8),
        "parameters": sum(sizes.values())}


@pytest.mark.parametrize("changed", [
    {}, {"flexible": "all", "unstructured": True}, {"shift": "median"},
    {"coefficients": 4, "epilogue_lanes": 0}], ids=str)
def test_every_memory_is_accessed_and_no_other(changed):
    design = replace(SMALL, **changed)
    job = Job(20, 16, 3, corrected=design.epilogue_lanes > 0,
              coefficients=design.channel_bits > 0)
    found = accesses(design, job, times(design, job))
    assert found.keys() == {buffer.name for buffer in buffers("accelerator", design)}
    assert all(reads > 0 and writes > 0 for reads, writes in found.values())
    assert found["activations"] == (3 * (8 * 16 * 3), 20 * 16)
    assert found["weights"] == (2 * (8 * 16 * 3), 2 * 3 * 16 * 3)


def test_layers_add_up_and_energy_follows_the_counts():
    energy = Energy(2.0, 3.0, {"weights": (5.0, 7.0), "tokens": (1.0, 1.0)})
    one = perform(SMALL, Layer("up", 20, 64, 6), energy=energy)
    ten = perform(SMALL, Layer("up", 20, 64, 6, count=10), energy=energy)
    assert ten.cycles == 10 * one.cycles
    assert ten.bytes == {kind: 10 * count for kind, count in one.bytes.items()}
    assert ten.busy == pytest.approx(one.busy)
    assert one.products * 2 == one.dense_products == 20 * 64 * 6
    reads, writes = one.accesses["weights"]
    assert one.energy == {"products": 2.0 * one.products, "streams": 3.0 * one.moved,
                          "weights": 5.0 * reads + 7.0 * writes}
    assert perform(SMALL, Layer("up", 20, 64, 6)).energy == {}


def test_useful_counts_neither_idle_rows_nor_padding():
    design = replace(SMALL, batch_tokens=12)
    full, one = (perform(design, Layer("x", tokens, 64, 64)) for tokens in (24, 1))
    assert full.useful == pytest.approx(full.busy, rel=1e-9)
    assert one.useful == pytest.approx(one.busy / 3, rel=1e-9)


def test_bandwidth_stretches_what_the_streams_cannot_bring():
    layer = Layer("x", 1, 64, 64)
    free = perform(SMALL, layer)
    assert perform(SMALL, layer, bandwidth=own_bandwidth(SMALL)).cycles == free.cycles
    tight = perform(SMALL, layer, bandwidth=1.0)
    assert (tight.cycles, tight.bound) == (free.moved, "streams")
    for row, bandwidth in ((free, None), (tight, 1.0)):
        found = point(row, SMALL, bandwidth)
        assert found["reached"] <= found["roof"] * 1.0000001
        assert found["intensity"] == row.dense_products / row.moved


@pytest.mark.parametrize(("changed", "layer", "more", "message"), [
    ({"epilogue_lanes": 0}, Layer("x", 1, 4, 1), {"corrected": True},
     "epilogue_lanes must be 1 or more for corrected results, not 0"),
    ({}, Layer("x", 1, 4, 1), {"pattern": Pattern(1, 4)},
     "pattern must be 2:4, as the design has it, not 1:4"),
    ({}, Layer("x", 1, 1 << 20, 1), {},
     "features must be from 1 to 131068, which an accumulator covers, not 1048576"),
    ({"shift": "mean"}, Layer("x", 1, 65, 1), {},
     "max_k must be 65 or more for tokens that must be whole, not 64"),
    ({"format": "fp8_e4m3", "weight_format": "fp8_e4m3"}, Layer("x", 1, 4, 1), {},
     "format must be int8 for the performance of layers, not fp8_e4m3")])
def test_what_a_design_cannot_do_is_refused(changed, layer, more, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        perform(replace(SMALL, **changed), layer, **more)


def test_repeated_tiles_and_batches_are_counted_as_they_would_be_followed(monkeypatch):
    job = Job(61, 9, 23, corrected=True)
    design = replace(SMALL, columns=4, batch_tokens=5)
    counted = times(design, job)
    # No state is ever the same as one before.
    number = iter(range(1 << 30))
    monkeypatch.setattr("synth.performance.clock._Clock.relative",
                        lambda clock, with_tokens: (next(number),))
    assert times(design, job) == counted


def test_columns_of_scale_sim():
    rows = [perform(SMALL, Layer("up", 20, 64, 6, count=3)), perform(SMALL, Layer("x", 1, 64, 6))]
    lines = topology(rows).splitlines()
    assert lines == [TOPOLOGY, "up, 20, 6, 64,", "x, 1, 6, 64,"]
    head, *lines = compute_report(rows).splitlines()
    assert head == COMPUTE
    for line, row in zip(lines, rows, strict=True):
        values = [float(value) for value in line.rstrip(",").split(",")]
        assert len(values) == head.count(",")
        assert values[1] == row.times.cycles
        assert values[2] - values[3] == row.times.steps
        assert values[4] <= values[6] <= values[5] <= 100
