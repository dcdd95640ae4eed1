"""Jobs with parameters of their own, one after the other, whatever their streams do meanwhile."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from hw.fixed_point import Output
from hw.registers import Error
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator
from sw.driver.beats import Beats, result_tensor
from sw.driver.linear import (
    BUSY,
    DONE,
    ERROR_BIT,
    Channels,
    Corrections,
    linear_job,
    run_linear,
)
from sw.driver.reference import ReferenceAccelerator


pytestmark = pytest.mark.usefixtures("wheel")

SMALL = {"pattern": Pattern(2, 4), "rows": 2, "columns": 2, "tile": 2, "max_k": 64,
         "batch_tokens": 4}
COEFFICIENTS = Design(**SMALL, coefficients=8)
CORRECTED = Design(**SMALL, coefficients=8, shift="channel", statistics=True, epilogue_lanes=1)
DESIGNS = {
    "coefficients": COEFFICIENTS, "corrected": CORRECTED,
    "mean": Design(**SMALL, coefficients=4, shift="mean", statistics=True, epilogue_lanes=2),
    "scalar": Design(**SMALL | {"pattern": Pattern(2, 8)}, shift="scalar", flexible="all",
                     unstructured=True, epilogue_lanes=1),
}
START, ABORT = 1, 4


class Layer:
    """A random job of a design: what is asked for, and its results."""

    def __init__(self, design, rng, kept=False, features=None):
        tokens, outputs = int(rng.integers(1, 10)), int(rng.integers(1, 6))
        longest = 32 if design.whole_tokens else 96  # in chunks where that can be
        self.features = features or int(rng.integers(1, longest + 1))
        self.tokens, self.outputs = tokens, outputs
        self.x = _random(rng, -90, 110, (tokens, self.features), torch.int8)
        self.w = _random(rng, -128, 128, (outputs, self.features), torch.int8)
        self.corrections = _corrections(design, rng, self, kept)
        self.options = _options(design, rng)
        self.job = linear_job(design, self.x, self.w, self.corrections, **self.options)

    def expected(self, reference):
        """Result beats of the reference accelerator, which runs the same jobs."""
        for register, value in (self.job.registers | {"CONTROL": START}).items():
            reference.write(register, value)
        return reference.run(self.job.inputs, self.job.results, limit=0)[0]


def _random(rng, low, high, shape, kind=torch.int64):
    return torch.from_numpy(rng.integers(low, high, shape)).to(kind)


def _corrections(design, rng, layer, kept):
    """Every parameter that the design has, at random; some are left out."""
    given, features = {"keep_loaded": kept}, layer.features
    if design.coefficients and not kept:
        given["factors"] = _random(rng, 0, 1 << design.coefficients, features)
    if design.shift == "channel" and not kept:
        given["shifts"] = _random(rng, -60, 60, features)
    if design.shift == "scalar":
        given["static_shift"] = int(rng.integers(-60, 60))
    output = Output(rng.integers(0, 5)) if design.epilogue_lanes else Output.RAW
    if output == Output.RAW:
        return Corrections(**given)
    whole = design.pattern.blocks(features) <= design.max_blocks
    if output >= Output.INT8:
        given["channels"] = Channels(*(_random(rng, low, high, layer.outputs) for low, high in
                                       ((1 << 14, 1 << 16), (8, 17), (-20000, 20000))))
        given["exponent"] = int(rng.integers(-20, 20))
    if rng.random() < 0.5:
        given["token_scale"] = _random(rng, 0, 1 << 16, (layer.tokens, 1))
    return Corrections(output, variance=bool(design.statistics and whole and rng.random() < 0.5),
                       token_shift=bool(design.dynamic_shift and rng.random() < 0.5), **given)


def _options(design, rng):
    if design.flexible == "none":
        return {}
    if rng.random() < 0.3:
        return {"threshold": int(rng.integers(1, 90))}
    return {"pattern": Pattern.parse(str(rng.choice(["1:2", "3:4", "2:8", "7:8"])))}


def begin(accelerator, job, error=Error.NONE):
    """Start a job; its streams may have been offering already."""
    for register, value in (job.registers | {"CONTROL": START}).items():
        accelerator.write(register, value)
    assert accelerator.read("STATUS") == (error << ERROR_BIT if error else BUSY)


def status(accelerator):
    """STATUS some cycles later: rows without a token leave the array after the last result."""
    accelerator.take(0, limit=1)
    for _ in range(20):
        accelerator.read("IDLE_CYCLES")
    return accelerator.read("STATUS")


def same(got, expected):
    return np.array_equal(got.data, expected.data) and np.array_equal(got.last, expected.last)


def finish(accelerator, layer, expected):
    """Take the results of a job and compare them."""
    got, _ = accelerator.take(layer.job.results, limit=layer.job.limit)
    assert same(got, expected)
    assert status(accelerator) == DONE


@pytest.mark.parametrize("name", ["factors", "shifts"])
@pytest.mark.parametrize("seed", range(1, 21))
def test_layers_with_other_parameters_follow_each_other(name, seed):
    """The driver alone, with streams that pause."""
    rng = generator("parameters", name)
    x, w = (_random(rng, -90, 110, (rows, 32), torch.int8) for rows in (4, 2))
    device, reference = Accelerator(CORRECTED, stall=0.5, seed=seed), ReferenceAccelerator(CORRECTED)
    for _ in range(2):
        given = Corrections(**{name: _random(rng, 0, 100, 32)})
        assert torch.equal(run_linear(device, x, w, given)[0],
                           run_linear(reference, x, w, given)[0]), f"seed {seed}"


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("late", [0, 40, 400])
def test_parameters_may_come_late(design, stall, late):
    """Each of the streams in its turn comes after all the others."""
    rng = generator("late", stall, late)
    device, reference = Accelerator(design, stall=stall), ReferenceAccelerator(design)
    for _ in range(4):
        for slow in ("coef", "token", "channel", "act", "weight"):
            layer = Layer(design, rng)
            expected = layer.expected(reference)
            begin(device, layer.job)
            device.offer(layer.job.inputs, {slow: late} if slow in layer.job.inputs else None)
            finish(device, layer, expected)
            assert not device.pending()


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_streams_may_come_early(design, stall):
    """All jobs are queued at once: none takes what belongs to the next."""
    rng = generator("early", stall)
    device, reference = Accelerator(design, stall=stall, seed=7), ReferenceAccelerator(design)
    layers = [Layer(design, rng) for _ in range(25)]
    for layer in layers:
        device.offer(layer.job.inputs)
    for layer in layers:
        expected = layer.expected(reference)
        begin(device, layer.job)
        finish(device, layer, expected)
    assert not device.pending()


@pytest.mark.parametrize("design", [COEFFICIENTS, CORRECTED], ids=["coefficients", "corrected"])
def test_a_job_that_brings_nothing_keeps_what_is_loaded(design):
    """The packet of the job after it is on offer all the while."""
    rng = generator("kept")
    device, reference = Accelerator(design, stall=0.3), ReferenceAccelerator(design)
    layers = [Layer(design, rng, kept, features=21) for kept in (False, True, True, False, True)]
    for layer in layers:
        device.offer({name: layer.job.inputs[name] for name in layer.job.inputs if name == "coef"})
    plain = []
    for layer in layers:
        expected = layer.expected(reference)
        begin(device, layer.job)
        device.offer({name: layer.job.inputs[name] for name in layer.job.inputs if name != "coef"})
        finish(device, layer, expected)
        plain.append(expected)
    assert not device.pending()


def test_a_job_without_parameters_is_refused():
    """None were loaded; those of other K; those of an aborted job; those of a design without."""
    rng = generator("refused")
    device, reference = Accelerator(CORRECTED), ReferenceAccelerator(CORRECTED)
    whole, kept = Layer(CORRECTED, rng, features=32), Layer(CORRECTED, rng, True, features=32)
    other = Layer(CORRECTED, rng, True, features=28)
    for backend in (device, reference):
        begin(backend, kept.job, Error.COEF)
        run_linear(backend, whole.x, whole.w, whole.corrections)
        begin(backend, other.job, Error.COEF)
        run_linear(backend, kept.x, kept.w, kept.corrections)
        backend.write("CONTROL", ABORT)
        backend.write("CONTROL", 0)
        begin(backend, kept.job, Error.COEF)
    plain = Design(**SMALL)
    layer = Layer(plain, rng)
    layer.job.registers["CORRECTIONS"] = 1 << 3
    for backend in (Accelerator(plain), ReferenceAccelerator(plain)):
        begin(backend, layer.job, Error.COEF)


def test_a_stream_that_does_not_come_is_a_timeout():
    """Also where it is one of the parameters; its movements count as such."""
    rng = generator("timeout")
    for missing, seen in (("coef", "weight"), ("token", "act"), ("channel", "act")):
        device, reference = Accelerator(CORRECTED), ReferenceAccelerator(CORRECTED)
        device.write("TIMEOUT", 300)
        while missing not in (layer := Layer(CORRECTED, rng, features=32)).job.inputs:
            pass
        expected = layer.expected(reference)
        begin(device, layer.job)
        device.offer({name: beats for name, beats in layer.job.inputs.items() if name != missing})
        device.take(layer.job.results, limit=200)
        assert device.read("STATUS") == BUSY, seen
        got, _ = device.take(layer.job.results, limit=1500)
        assert not len(got.last)
        assert device.read("STATUS") == BUSY | Error.TIMEOUT << ERROR_BIT
        device.offer({missing: layer.job.inputs[missing]})
        got, _ = device.take(layer.job.results, limit=layer.job.limit)
        assert same(got, expected)
        assert status(device) == DONE | Error.TIMEOUT << ERROR_BIT


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


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("change", [shortened, lengthened])
@pytest.mark.parametrize("name", ERRORS)
def test_a_packet_of_another_length_is_an_error(name, change, stall):
    """The job ends as if zeros had come, or no more; the next one is exact, whatever is left."""
    rng = generator("tlast", name, stall)
    device, reference = Accelerator(CORRECTED, stall=stall, seed=3), ReferenceAccelerator(CORRECTED)
    tried = 0
    while tried < 12:
        layer = Layer(CORRECTED, rng)
        beats = layer.job.inputs.get(name)
        if beats is None or (change is shortened and len(beats.last) == 1):
            continue
        tried += 1
        sent, counts = change(beats, int(rng.integers(1, max(2, len(beats.last)))))
        layer.job.inputs[name] = counts
        expected = layer.expected(reference)
        layer.job.inputs[name] = sent
        after, kept = (Layer(CORRECTED, rng, kept, features=layer.features)
                       for kept in (False, True))
        begin(device, layer.job)
        device.offer(layer.job.inputs)
        device.offer(after.job.inputs)
        got, _ = device.take(layer.job.results, limit=layer.job.limit)
        assert same(got, expected)
        assert status(device) == DONE | ERRORS[name] << ERROR_BIT
        if name == "coef":
            begin(device, kept.job, Error.COEF_TLAST)  # refused; the first error stays
        begin(device, after.job)
        finish(device, after, after.expected(reference))
        assert not device.pending()


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.parametrize("end", ["reset", "abort"])
def test_nothing_is_left_of_a_job_that_is_cut(design, end):
    """In any cycle, in mid-load or in mid-token; the next one starts afresh and is exact."""
    rng = generator("cut", end)
    device = Accelerator(design, stall=0.3, seed=5)
    reference = ReferenceAccelerator(design)
    for cycle in range(0, 400, 3):
        cut, layer = Layer(design, rng), Layer(design, rng)
        expected = layer.expected(reference)
        begin(device, cut.job)
        device.offer(cut.job.inputs)
        results, _ = device.take(cut.job.results, limit=cycle)
        if end == "reset":
            device.reset()
        else:
            device.write("CONTROL", ABORT)
            device.discard()  # cut in the middle of packets
            device.take(1, limit=3)  # one that was on offer
            while device.read("STATUS") & BUSY:
                pass
            device.write("CONTROL", 0)
        begin(device, layer.job)
        device.offer(layer.job.inputs)
        finish(device, layer, expected)
