"""Mapped designs, fed with operands, compute what they are to compute."""

import numpy as np
import pytest

from hw.config import Design, Pattern
from hw.generate import verilog
from synth.energy.circuit import Circuit
from synth.energy.feed import feed, kept, steps
from synth.energy.operands import Operands, load, make
from synth.flow import CELLS, Flow
from synth.library import liberty


CYCLES = 20


@pytest.fixture(scope="module")
def flow():
    return Flow(liberty.read(CELLS), workers=2)


def operands(features=16):
    rng = np.random.default_rng(features)
    return Operands(*(rng.integers(-128, 128, (4, features), np.int8) for _ in range(2)))


def settled(name, design, flow, cycles=CYCLES):
    """What is fed, the circuit, and the values of its nets."""
    given = feed(name, design, operands(), cycles=cycles, seed=7, flow=flow)
    circuit = Circuit(flow.gates(verilog(name, design), f"nm_{name}"), flow.library)
    return given, circuit, circuit.settle(given.ports)


def products(given):
    """Dot product of every step, [cycles, rows, columns]."""
    sparse = np.where(given.masks, given.blocks, 0).astype(int)
    return np.einsum("trm,tcm->trc", sparse, given.weights.astype(int))


def signed(value, bits=32):
    return value - (1 << bits) if value >> bits - 1 else value


@pytest.mark.parametrize(("text", "pipeline"), [
    ("2:4", "inputs"), ("4:4", "inputs"), ("4:8", "inputs"), ("2:4", "gathered")])
def test_pe_accumulates_the_dot_products(flow, text, pipeline):
    design = Design(Pattern.parse(text), pipeline=pipeline)
    latency = 1 + (pipeline == "gathered")
    given, circuit, values = settled("pe", design, flow)
    expected, total = steps(design, operands(), CYCLES, 1, 1, 7), 0
    accumulators = [signed(value) for value in circuit.read(values, "accumulator")]
    for cycle, (step, start) in enumerate(zip(products(expected)[:, 0, 0], expected.start,
                                              strict=True)):
        total = step + (0 if start else total)
        if cycle + latency < len(accumulators):
            assert accumulators[cycle + latency] == total
    assert given.products == design.pattern.m


@pytest.mark.parametrize(("text", "tile"), [("2:4", 1), ("2:2", 2)])
def test_results_leave_the_array(flow, text, tile):
    design = Design(Pattern.parse(text), rows=2, columns=2, tile=tile)
    given, circuit, values = settled("array", design, flow, cycles=60)
    sums = steps(design, operands(), 60, 2, 2, 7)
    each = int(np.argmax(sums.last)) + 1
    expected = products(sums).reshape(-1, each, 2, 2).sum(1).reshape(-1, 2).tolist()
    valid = [value == 1 for value in circuit.read(values, "m_axis_tvalid")]
    data = np.array(circuit.read(values, "m_axis_tdata"), object)[valid]
    rows = [[signed(int(word) >> 32 * k & 0xFFFFFFFF) for k in range(2)] for word in data]
    # Before the first sums stands what was left, and the last ones have not left yet.
    assert len(rows) >= len(expected) - 4
    assert rows[2:] in [expected[first:first + len(rows) - 2] for first in range(5)]
    assert given.products == 4 * design.pattern.m


def test_compressor_keeps_the_largest(flow):
    design = Design(Pattern(2, 4))
    given, circuit, values = settled("compressor", design, flow)
    blocks = steps(design, operands(), CYCLES, 1, 1, 7)
    data = circuit.read(values, "m_axis_tdata")
    valid = circuit.read(values, "m_axis_tvalid")
    got = [[signed(word >> 8 * k & 0xFF, 8) for k in range(2)]
           for word, good in zip(data, valid, strict=True) if good]
    expected = blocks.values[:, 0].tolist()
    assert len(got) == CYCLES - 2, "latency"
    assert got == expected[:len(got)]
    assert given.blocks == 1


def test_kept_are_the_largest_and_the_first_of_equal_ones():
    blocks = np.array([[3, -128, 3, 127], [0, 0, 0, 0], [-5, 5, -5, 6]], np.int8)
    assert kept(blocks, 2).astype(int).tolist() == [[0, 1, 0, 1], [1, 1, 0, 0], [1, 0, 0, 1]]


def test_features_that_fill_no_block_are_padded():
    found = steps(Design(Pattern(2, 4)), operands(features=6), 4, 1, 1, 0)
    assert (found.blocks[1::2, 0, 2:] == 0).all()
    assert found.last.tolist() == [False, True] * 2


@pytest.mark.parametrize(("name", "given", "message"), [
    ("accelerator", {}, "design must be one of pe, array, compressor, not 'accelerator'"),
    ("pe", {"weight_format": "int4"}, "weight_format must be int8 for energies, not int4"),
    ("compressor", {"selector": "serial"},
     "selector must take a block in every cycle for energies, not serial"),
    ("array", {"rows": 8, "columns": 4}, "rows must be at most the 4 steps of a sum, not 8"),
])
def test_what_cannot_be_fed_is_named(flow, name, given, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        feed(name, Design(Pattern(2, 4), **given), operands(), cycles=4, seed=0, flow=flow)


@pytest.mark.parametrize("name", ["gaussian", "uniform", "minilm", "decoder"])
def test_operands_are_int8_and_repeat(name):
    first, again = make(name, 3), make(name, 4)
    for one, other in zip(first, again, strict=False):
        assert (one.activations == other.activations).all()
        assert one.activations.shape[1] == one.weights.shape[1]
    assert abs(first[0].activations.astype(int)).max() == 127
    assert (first[0].activations.shape != first[1].activations.shape
            or (first[0].activations != first[1].activations).any())


def test_files_without_operands_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"^inputs must be one of minilm, .*, not 'nothing'$"):
        make("nothing", 1)
    with pytest.raises(ValueError, match=r"^inputs must be one of minilm.*no\.npz.*No such file"):
        make(str(tmp_path / "no.npz"), 1)
    (tmp_path / "bad.npz").write_bytes(b"bad")
    with pytest.raises(ValueError, match=r"^inputs must be one of minilm.*bad\.npz"):
        load(tmp_path / "bad.npz")
    np.savez_compressed(tmp_path / "cut.npz", activations0=np.arange(4096, dtype=np.int16))
    whole = (tmp_path / "cut.npz").read_bytes()
    np.save(tmp_path / "single.npy", np.zeros(4))
    single = (tmp_path / "single.npy").read_bytes()
    changed = whole[:200] + bytes(200) + whole[400:]
    at = whole.index(b"PK\x01\x02")  # flags and way of packing of the first array
    locked, packed = ((whole[:at + place] + bytes([value]) + whole[at + place + 1:])
                      for place, value in ((8, 1), (10, 97)))
    for name, content in (("cut.npz", whole[:-40]), ("changed.npz", changed), ("empty.npz", b""),
                          ("single.npz", single), ("locked.npz", locked), ("packed.npz", packed)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"^inputs must be one of minilm.*{name}"):
            load(tmp_path / name)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match=r"^inputs must be a \.npz file with activations0 .* x$"):
        load(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"^operands must have weights of int8 with two axes"):
        Operands(np.zeros((2, 2), np.int8), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"^operands must have .* features, not 2 and 3$"):
        Operands(np.zeros((2, 2), np.int8), np.zeros((2, 3), np.int8))
