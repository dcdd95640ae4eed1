"""Jobs that are cut, or whose packets have another length, and the jobs after them."""

import numpy as np
import pytest

from hw.registers import Error
from sim.tests.jobs import (
    ABORT,
    CORRECTED,
    DESIGNS,
    START,
    begin,
    expected,
    finish,
    same,
    status,
)
from sim.vectors.layers import random_layer
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator
from sw.driver.beats import Beats
from sw.driver.linear import BUSY, DONE, ERROR_BIT
from sw.driver.reference import ReferenceAccelerator


pytestmark = pytest.mark.usefixtures("wheel")


def shortened(beats, by):
    """The packet without its last beats; what is missing counts as zero."""
    count = len(beats.last) - by
    data = beats.data.copy()
    data[count:] = 0
    return (Beats(beats.data[:count], np.arange(1, count + 1) == count),
            Beats(data, beats.last))


def lengthened(beats, by):
    """The packet with more beats, which count as nothing."""
    count = len(beats.last) + by
    data = np.concatenate([beats.data, beats.data[::-1][:1].repeat(by, 0) ^ 0x55])
    return Beats(data, np.arange(1, count + 1) == count), beats


ERRORS = {"coef": Error.COEF_TLAST, "token": Error.TOKEN_TLAST, "channel": Error.CHANNEL_TLAST}


def split(beats, count):
    """The first beats, and the others."""
    return (Beats(beats.data[:count], beats.last[:count]),
            Beats(beats.data[count:], beats.last[count:]))


def last_packet(beats, change):
    """The stream with its last packet changed, and what it counts as."""
    ends = np.flatnonzero(beats.last)
    before, packet = split(beats, ends[-2] + 1 if len(ends) > 1 else 0)
    return (Beats(np.concatenate([before.data, part.data]),
                  np.concatenate([before.last, part.last])) for part in change(packet))


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("change", [shortened, lengthened])
@pytest.mark.parametrize("name", ERRORS)
def test_a_packet_of_another_length_is_an_error(name, change, stall):
    """The job ends as if zeros had come, or no more; the next one is exact, whatever is left."""
    rng = generator("tlast", name, stall)
    device, reference = Accelerator(CORRECTED, stall=stall, seed=3), ReferenceAccelerator(CORRECTED)
    tried = 0
    while tried < 12:
        layer = random_layer(CORRECTED, rng)
        beats = layer.job.inputs.get(name)
        if beats is None or (change is shortened and len(beats.last) == 1):
            continue
        tried += 1
        sent, counts = change(beats, int(rng.integers(1, max(2, len(beats.last)))))
        layer.job.inputs[name] = counts
        results = expected(reference, layer)
        layer.job.inputs[name] = sent
        after, kept = (random_layer(CORRECTED, rng, kept, features=layer.x.shape[1])
                       for kept in (False, True))
        begin(device, layer.job)
        device.offer(layer.job.inputs)
        device.offer(after.job.inputs)
        got, _ = device.take(layer.job.results, limit=layer.job.limit)
        assert same(got, results)
        assert status(device) == DONE | ERRORS[name] << ERROR_BIT
        if name == "coef":
            begin(device, kept.job, Error.COEF_TLAST)  # refused; the first error stays
        begin(device, after.job)
        finish(device, after, expected(reference, after))
        assert not device.pending()


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.parametrize("end", ["reset", "abort"])
def test_nothing_is_left_of_a_job_that_is_cut(design, end):
    """In any cycle, in mid-load or in mid-token; the next one starts afresh and is exact."""
    rng = generator("cut", end)
    device = Accelerator(design, stall=0.3, seed=5)
    reference = ReferenceAccelerator(design)
    for cycle in range(0, 400, 3):
        cut, layer = random_layer(design, rng), random_layer(design, rng)
        results = expected(reference, layer)
        begin(device, cut.job)
        device.offer(cut.job.inputs)
        device.take(cut.job.results, limit=cycle)
        if end == "reset":
            device.reset()
        else:
            device.write("CONTROL", ABORT)
            device.discard()  # cut in the middle of packets
            while device.read("STATUS") & BUSY:
                device.take(1, limit=3)  # one that was on offer
            device.write("CONTROL", 0)
        begin(device, layer.job)
        device.offer(layer.job.inputs)
        finish(device, layer, results)


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.parametrize("name", ["act", "weight", *ERRORS])
def test_the_surplus_of_a_packet_may_come_in_the_next_job(design, name):
    """It is dropped there, and nothing of that job with it."""
    rng = generator("surplus", name)
    device, reference = Accelerator(design, stall=0.3, seed=2), ReferenceAccelerator(design)
    codes = {"act": Error.ACT_TLAST, "weight": Error.WEIGHT_TLAST, **ERRORS}
    layers = [layer for layer in (random_layer(design, rng) for _ in range(20))
              if name in layer.job.inputs]
    for layer in layers:
        results, beats = expected(reference, layer), layer.job.inputs[name]
        long, _ = last_packet(beats, lambda packet: lengthened(packet, 3))
        now, later = split(long, len(beats.last) + int(rng.integers(0, 3)))
        begin(device, layer.job)
        device.offer(layer.job.inputs | {name: now})
        got, _ = device.take(layer.job.results, limit=layer.job.limit)
        assert same(got, results)
        assert status(device) == DONE | codes[name] << ERROR_BIT
        after = random_layer(design, rng)
        results = expected(reference, after)
        begin(device, after.job)
        device.offer({name: later})
        device.offer(after.job.inputs)
        finish(device, after, results)
        device.take(1, limit=10)
        assert not device.pending()


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.parametrize("change", [shortened, lengthened])
def test_a_token_of_another_length_counts_as_one_with_zeros(design, change):
    """Also for the shift, the sums and the place in the parameters of those that follow."""
    rng = generator("token", change.__name__)
    device, reference = Accelerator(design, stall=0.3, seed=4), ReferenceAccelerator(design)
    tried = 0
    while tried < 10:
        layer, after = random_layer(design, rng), random_layer(design, rng)
        beats = layer.job.inputs["act"]
        if not design.pattern.m < layer.x.shape[1] <= design.max_blocks * design.pattern.m:
            continue
        tried += 1
        first, rest = split(beats, int(np.flatnonzero(beats.last)[0]) + 1)
        sent, counts = (Beats(np.concatenate([part.data, rest.data]),
                              np.concatenate([part.last, rest.last]))
                        for part in change(first, 1))
        layer.job.inputs["act"] = counts
        results = expected(reference, layer)
        begin(device, layer.job)
        device.offer(layer.job.inputs | {"act": sent})
        got, _ = device.take(layer.job.results, limit=layer.job.limit)
        assert same(got, results)
        assert status(device) == DONE | Error.ACT_TLAST << ERROR_BIT
        results = expected(reference, after)
        begin(device, after.job)
        device.offer(after.job.inputs)
        finish(device, after, results)


def test_no_job_begins_while_results_are_on_offer():
    """They belong to the job before, which runs until they are taken."""
    rng = generator("on offer")
    device, reference = Accelerator(CORRECTED), ReferenceAccelerator(CORRECTED)
    for _ in range(5):
        layer, after = random_layer(CORRECTED, rng), random_layer(CORRECTED, rng)
        results = expected(reference, layer)
        begin(device, layer.job)
        device.offer(layer.job.inputs)
        got, _ = device.take(layer.job.results - 1, limit=layer.job.limit)
        assert status(device) == BUSY
        device.write("CONTROL", START)
        assert device.read("STATUS") == BUSY | Error.BUSY << ERROR_BIT
        last, _ = device.take(1, limit=layer.job.limit)
        assert np.array_equal(np.concatenate([got.data, last.data]), results.data)
        assert status(device) == DONE | Error.BUSY << ERROR_BIT
        results = expected(reference, after)
        begin(device, after.job)
        device.offer(after.job.inputs)
        finish(device, after, results)
