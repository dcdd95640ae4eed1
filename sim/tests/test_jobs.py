"""Jobs with parameters of their own, one after the other, whenever their streams come."""

import pytest
import torch

from hw.config import Design, Pattern
from hw.fixed_point import Output
from hw.registers import Error
from sim.tests.jobs import (
    ABORT,
    ANSWER_OKAY,
    COEFFICIENTS,
    CORRECTED,
    DESIGNS,
    PLAIN,
    TILED,
    begin,
    expected,
    finish,
    same,
    status,
)
from sim.vectors.layers import Layer, random_layer, random_tensor
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator
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


@pytest.mark.parametrize("name", ["factors", "shifts"])
@pytest.mark.parametrize("seed", range(1, 21))
def test_layers_with_other_parameters_follow_each_other(name, seed):
    """The driver alone, with streams that pause."""
    rng = generator("parameters", name)
    x, w = (random_tensor(rng, -90, 110, rows, 32, kind=torch.int8) for rows in (4, 2))
    device = Accelerator(CORRECTED, stall=0.5, seed=seed)
    reference = ReferenceAccelerator(CORRECTED)
    for _ in range(2):
        given = Corrections(**{name: random_tensor(rng, 0, 100, 32)})
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
            layer = random_layer(design, rng)
            results = expected(reference, layer)
            begin(device, layer.job)
            device.offer(layer.job.inputs, {slow: late} if slow in layer.job.inputs else None)
            finish(device, layer, results)
            assert not device.pending()


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_streams_may_come_early(design, stall):
    """All jobs are queued at once: none takes what belongs to the next."""
    rng = generator("early", stall)
    device, reference = Accelerator(design, stall=stall, seed=7), ReferenceAccelerator(design)
    layers = [random_layer(design, rng) for _ in range(25)]
    for layer in layers:
        device.offer(layer.job.inputs)
    for layer in layers:
        results = expected(reference, layer)
        begin(device, layer.job)
        finish(device, layer, results)
    assert not device.pending()


def test_passes_may_be_shorter_than_the_tiles_are_many():
    """Chunks of one block between longer ones, and tiles of weights that one step uses up."""
    rng = generator("short passes")
    device, reference = Accelerator(TILED, stall=0.3), ReferenceAccelerator(TILED)
    for features in (4, 8, 13, 25, 29, 37) * 10:
        layer = random_layer(TILED, rng, features=features)
        results = expected(reference, layer)
        begin(device, layer.job)
        device.offer(layer.job.inputs)
        finish(device, layer, results)


@pytest.mark.parametrize("design", [COEFFICIENTS, CORRECTED], ids=["coefficients", "corrected"])
def test_a_job_that_brings_nothing_keeps_what_is_loaded(design):
    """The packet of the job after it is on offer all the while."""
    rng = generator("kept")
    device, reference = Accelerator(design, stall=0.3), ReferenceAccelerator(design)
    layers = [random_layer(design, rng, kept, features=21)
              for kept in (False, True, True, False, True)]
    for layer in layers:
        device.offer({name: layer.job.inputs[name] for name in layer.job.inputs if name == "coef"})
    plain = []
    for layer in layers:
        results = expected(reference, layer)
        begin(device, layer.job)
        device.offer({name: layer.job.inputs[name] for name in layer.job.inputs if name != "coef"})
        finish(device, layer, results)
        plain.append(results)
    assert not device.pending()


def test_a_job_without_parameters_is_refused():
    """None were loaded; those of other K; those of an aborted job; those of a design without."""
    rng = generator("refused")
    device, reference = Accelerator(CORRECTED), ReferenceAccelerator(CORRECTED)
    whole, kept, other = (random_layer(CORRECTED, rng, kept, features) for kept, features in
                          ((False, 32), (True, 32), (True, 28)))
    for backend in (device, reference):
        begin(backend, kept.job, Error.COEF)
        run_linear(backend, whole.x, whole.w, whole.corrections)
        begin(backend, other.job, Error.COEF)
        run_linear(backend, kept.x, kept.w, kept.corrections)
        backend.write("CONTROL", ABORT)
        backend.write("CONTROL", 0)
        begin(backend, kept.job, Error.COEF)
    layer = random_layer(PLAIN, rng)
    layer.job.registers["CORRECTIONS"] = 1 << 3
    for backend in (Accelerator(PLAIN), ReferenceAccelerator(PLAIN)):
        begin(backend, layer.job, Error.COEF)


def test_a_stream_that_does_not_come_is_a_timeout():
    """Also where it is one of the parameters; its movements count as such."""
    rng = generator("timeout")
    for missing, seen in (("coef", "weight"), ("token", "act"), ("channel", "act")):
        device, reference = Accelerator(CORRECTED), ReferenceAccelerator(CORRECTED)
        device.write("TIMEOUT", 300)
        while missing not in (layer := random_layer(CORRECTED, rng, features=32)).job.inputs:
            pass
        results = expected(reference, layer)
        begin(device, layer.job)
        device.offer({name: beats for name, beats in layer.job.inputs.items() if name != missing})
        device.take(layer.job.results, limit=200)
        assert device.read("STATUS") == BUSY, seen
        got, _ = device.take(layer.job.results, limit=1500)
        assert not len(got.last)
        assert device.read("STATUS") == BUSY | Error.TIMEOUT << ERROR_BIT
        device.offer({missing: layer.job.inputs[missing]})
        got, _ = device.take(layer.job.results, limit=layer.job.limit)
        assert same(got, results)
        assert status(device) == DONE | Error.TIMEOUT << ERROR_BIT


def test_a_refused_write_may_be_answered_with_okay():
    """On hosts to which SLVERR is a bus fault; nothing is written all the same."""
    rng = generator("okay")
    device, reference = Accelerator(PLAIN), ReferenceAccelerator(PLAIN)
    layer = random_layer(PLAIN, rng)
    results = expected(reference, layer)
    begin(device, layer.job)
    with pytest.raises(OSError, match=r"^writing register TOKENS failed: response 2$"):
        device.write("TOKENS", 77)
    device.write("CONTROL", ANSWER_OKAY)
    device.write("OUTPUT", 77)
    assert device.read("OUTPUT") == layer.job.registers["OUTPUT"]
    assert device.read("TOKENS") == layer.job.registers["TOKENS"]
    with pytest.raises(OSError, match="response 2"):
        device.write(0xFFC, 0)  # no register at all
    device.offer(layer.job.inputs)
    got, _ = device.take(layer.job.results, limit=layer.job.limit)
    assert same(got, results)
    assert status(device) == DONE | Error.BUSY << ERROR_BIT


FEW = Design(Pattern(1, 2), rows=4, columns=1, tile=4, max_k=4, batch_tokens=1)
"""A batch is one token: results of many batches wait."""


@pytest.mark.parametrize(("design", "features"), [(FEW, 2), (FEW, 6), (DESIGNS["scalar"], 70)])
def test_tokens_have_their_own_terms_however_long_results_wait(design, features):
    """Of batches with few tokens, or in chunks, more wait than there are places for terms."""
    rng = generator("waiting results", features)
    x, w = (random_tensor(rng, -128, 128, rows, features, kind=torch.int8)
            for rows in (33, design.columns))
    terms = Corrections(Output.FP32, token_scale=random_tensor(rng, 0, 1 << 16, 33, 1),
                        channels=Channels(*torch.tensor([[1 << 15, 0, 0]] * design.columns).T))
    layer = Layer(x, w, terms, linear_job(design, x, w, terms))
    results = expected(ReferenceAccelerator(design), layer)
    device = Accelerator(design)
    for held in (0, 150):
        begin(device, layer.job)
        device.offer(layer.job.inputs)
        for _ in range(held):  # a read takes a few cycles, in which no result is taken
            device.read("STATUS")
        finish(device, layer, results)
