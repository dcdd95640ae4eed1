"""Layouts in memory: made, unmade, and what cannot be."""

import re

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from hw.registers import DESCRIPTOR_BYTES, descriptor_registers
from sw.driver.beats import weight_beats
from sw.driver.memory import (
    descriptor,
    memory_job,
    needed_weights,
    result_bytes,
    result_values,
    token_bytes,
    token_values,
    weight_bytes,
    weight_values,
)


DESIGNS = [Design(Pattern(2, 4), rows=2, columns=2, max_k=64, bus="axi4"),
           Design(Pattern(3, 7), rows=2, columns=3, max_k=70, accumulator_width=29, bus="axi4")]
SHAPES = [(1, 1, 1), (5, 29, 7), (3, 64, 6)]


def integers(shape, low=-128, high=128, kind=torch.int8):
    rng = np.random.default_rng(sum(shape))
    return torch.from_numpy(rng.integers(low, high, shape)).to(kind)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: str(design.pattern))
@pytest.mark.parametrize(("tokens", "features", "outputs"), SHAPES)
def test_what_is_put_into_memory_comes_out_of_it(design, tokens, features, outputs):
    x, weight = integers((tokens, features)), integers((outputs, features))
    y = integers((tokens, outputs), -(1 << 28), 1 << 28, torch.int64)
    assert torch.equal(token_values(token_bytes(x, design), features, design), x)
    assert torch.equal(weight_values(weight_bytes(weight, design), outputs, features, design),
                       weight)
    assert torch.equal(result_values(result_bytes(y, design), tokens, outputs, design), y)


def test_pictures_of_the_layouts():
    """Byte for byte, as the page of the bus draws them: 2:4 with two columns."""
    design, x = DESIGNS[0], torch.arange(12, dtype=torch.int8).reshape(2, 6)
    assert token_bytes(x, design).tolist() == [[0, 1, 2, 3, 4, 5, 0, 0],
                                               [6, 7, 8, 9, 10, 11, 0, 0]]
    weight = torch.tensor([[10, 11, 12], [20, 21, 22], [30, 31, 32]], dtype=torch.int8)
    assert weight_bytes(weight, design).tolist() == [[10, 20, 11, 21, 12, 22, 0, 0],
                                                     [30, 0, 31, 0, 32, 0, 0, 0]]
    y = torch.tensor([[1, 2, 3], [4, 5, -1]])
    assert result_bytes(y, design).view("<i4").tolist() == [[1, 2, 4, 5], [3, 0, -1, 0]]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: str(design.pattern))
def test_an_element_of_weights_is_a_beat_of_the_stream(design):
    weight, m = integers((7, 29)), design.pattern.m
    beats = weight_beats(weight, 1, design).data.reshape(-1, design.columns, m)
    rows = weight_bytes(weight, design).reshape(len(beats), 1 << (m - 1).bit_length(), -1)
    assert np.array_equal(rows[:, :m, :design.columns], beats.transpose(0, 2, 1))


def test_a_descriptor_holds_the_registers_of_the_job():
    registers = {register.name: 100 + k
                 for k, register in enumerate(descriptor_registers(False))}
    image = descriptor(registers, interrupt=True)
    assert len(image) == DESCRIPTOR_BYTES
    words = image.view("<u4").tolist()
    assert words[0].to_bytes(4, "big") == b"NMJ\x01"
    assert words[1:len(registers) + 1] == list(registers.values())
    assert not any(words[len(registers) + 1:])
    decoding = descriptor(registers | {"DECODE_MODE": 1}, interrupt=True).view("<u4").tolist()
    assert decoding == [*words[:len(registers) + 1], 1, *words[len(registers) + 2:]]
    assert descriptor({}).view("<u4")[0].tobytes()[::-1] == b"NMJ\x00"


@pytest.mark.parametrize(("addresses", "message"), [
    ({"act": 0, "weight": 64}, "addresses must have one of result, not only of act, weight"),
    ({"act": 2, "weight": 64, "result": 256}, "address of act must be a multiple of 4, not 2"),
    ({"act": 0, "weight": 8, "result": 256},
     "address of weight must be at least 16, where act ends, not 8"),
    ({"act": 0, "weight": 64, "result": 8},
     "address of result must be at least 16, where act ends, not 8"),
    ({"act": 0, "weight": -8, "result": 256}, "address of weight must be a multiple of 8, not -8"),
])
def test_buffers_that_cannot_be_there_are_refused(addresses, message):
    job = memory_job(DESIGNS[0], integers((2, 8)), integers((2, 8)))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        job.placed(addresses)


def test_addresses_of_64_bits_are_two_registers():
    job = memory_job(DESIGNS[0], integers((2, 8)), integers((5, 8)))
    registers = job.placed({"act": 1 << 36, "weight": (1 << 36) + 64, "result": 8 << 36})
    assert (registers["ACT_HIGH"], registers["ACT_LOW"]) == (16, 0)
    assert registers["WEIGHT_LOW"] == 64
    assert (registers["ACT_STRIDE"], registers["RESULT_STRIDE"]) == (8, 16)
    assert registers["COLUMN_TILES"] == 3


DECODING = Design(Pattern(2, 4), rows=2, columns=3, max_k=64, bus="axi4", bus_width=64, decode=True)


def test_weights_that_a_job_needs_are_those_that_some_token_keeps():
    """Two features share a beat of the bus: whoever needs one of them reads both."""
    kept = torch.tensor([[1, 0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0]]).bool()
    image = weight_bytes(torch.arange(1, 49, dtype=torch.int8).reshape(6, 8), DECODING)
    needed = needed_weights(kept, len(image), DECODING)
    assert needed.shape == image.shape
    assert needed[0].tolist() == needed[1].tolist() == [*[True] * 8, *[False] * 16, *[True] * 8]
    assert weight_values(image * needed, 6, 8, DECODING)[0].tolist() == [1, 2, 0, 0, 0, 0, 7, 8]
    job = memory_job(DECODING, integers((2, 8)), integers((2, 8)), decode=True)
    assert job.registers["DECODE_MODE"] == 1


@pytest.mark.parametrize(("design", "tokens", "features", "message"), [
    (DESIGNS[0], 1, 8, "decode must be False, as the design has none, not True"),
    (DECODING, 3, 8, "x must have at most 2 tokens with decode, not 3"),
    (DECODING, 2, 65, "x must have at most 64 input features with decode, not 68"),
])
def test_jobs_that_cannot_decode_are_refused(design, tokens, features, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        memory_job(design, integers((tokens, features)), integers((2, features)), decode=True)
