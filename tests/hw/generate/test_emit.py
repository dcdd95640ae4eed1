"""Verilog text of components."""

import re
import tracemalloc

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import Design, Pattern
from hw.generate import verilog
from hw.generate.emit import emit, to_verilog
from hw.generate.tops import make_top
from hw.stream.memory import Memory
from hw.stream.register import StreamRegister


SMALL = {"rows": 2, "columns": 2, "tile": 2, "max_k": 64, "batch_tokens": 4}
MODULE = re.compile(r"^module (\w+)(.*?)^endmodule", re.M | re.S)


def modules(text):
    return re.findall(r"^module (\w+)\(", text, re.M)


class Inner(wiring.Component):
    """A component of a list, which cannot be compared."""

    def __init__(self, step):
        super().__init__({"o": Out(4)})
        self.steps = [step]

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.steps[0])
        return m


Inner.__module__ = "hw.inner"


class Outer(wiring.Component):
    """Some of them."""

    def __init__(self, parts):
        super().__init__({"o": Out(4)})
        self.parts = parts

    def elaborate(self, platform):
        m = Module()
        for k, part in enumerate(self.parts):
            m.submodules[f"part{k}"] = part
        m.d.comb += self.o.eq(self.parts[0].o ^ self.parts[1].o ^ self.parts[2].o)
        return m


def test_module_does_not_depend_on_the_instance():
    small = verilog("array", Design(Pattern(2, 4), rows=2, columns=2))
    large = verilog("array", Design(Pattern(2, 4), rows=3, columns=4))
    body = re.compile(r"^module nm_array_pe\(.*?^endmodule", re.M | re.S)
    assert body.search(small)[0] == body.search(large)[0]
    assert len(re.findall(r"^  nm_array_pe ", large, re.M)) == 12


def test_module_is_named_by_what_it_is():
    text = verilog("compressor", Design(Pattern(2, 4), coefficients=4, max_k=64))
    # One block of 4 values, in each stage with what was added to it, and the channels' factors.
    assert {f"nm_compressor_stream_register_{bits}" for bits in (33, 77, 37, 21)} | {
        "nm_compressor_memory_16x16", "nm_compressor_select_decoder_2of4"} <= set(modules(text))


@pytest.mark.parametrize("change", [{"max_k": 128, "batch_tokens": 8}, {"statistics": True}])
def test_names_do_not_depend_on_what_else_there_is(change):
    """A module of a name that says what it is has the same text in both designs."""
    texts = [verilog("accelerator", Design(Pattern(2, 4), **SMALL | more))
             for more in ({}, change)]
    before, after = ({name: body for name, body in MODULE.findall(text)
                      if re.search(r"_(memory|stream_register|stream_fifo|stage|framer)_", name)}
                     for text in texts)
    shared = before.keys() & after.keys()
    assert len(shared) >= 15
    assert all(before[name] == after[name] for name in shared)


def test_kinds_that_a_class_does_not_tell_apart_get_a_digest():
    """Of equal ones there is one module; two of different texts never share a name."""
    kinds = [Inner(1), Inner(1), Inner(2)]
    names = modules(to_verilog(Outer(kinds), "outer"))
    assert len(names) == 3
    assert re.fullmatch(r"outer_inner_[0-9a-f]{8}", names[2])


@pytest.mark.parametrize("name", ["compressor", "array"])
def test_no_wire_is_called_like_a_bit_of_another(name):
    """A wire ``selects[0]`` beside ``selects`` ends Yosys' mapping to look-up tables."""
    text = verilog(name, Design(Pattern(2, 4), **SMALL).only(name))
    assert re.search(r"^  wire .*\\values\.0 ;", text, re.M)
    assert not re.search(r"\\\S*\[\d+\]", text)


def test_memory_is_counted_through_the_hierarchy():
    design = Design(Pattern(2, 4), **SMALL | {"rows": 3})
    emitted = emit(make_top("accelerator", design), "nm_accelerator")
    bank = next(memory for memory in emitted.memories if memory.instances == 3)
    assert bank.module == f"nm_accelerator_memory_{bank.words}x{bank.bits}"
    assert bank.bits == 2 * 8 + 4
    assert emitted.text.count(f"\n  {bank.module} ") == 3


def test_a_large_memory_takes_no_more_to_write_than_a_small_one():
    tracemalloc.start()
    try:
        text = to_verilog(Memory(80, 1 << 14), "large")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert re.search(r"reg \[79:0\] cells \[16383:0\];", text)
    assert "initial" not in text
    assert most < 20 << 20


@pytest.mark.parametrize("shape", [1, 7])
def test_nothing_has_an_initial_value(shape):
    text = to_verilog(StreamRegister(shape), "register")
    assert not re.search(r"reg .*o__(valid|payload).*=", text)


class Asks(wiring.Signature):
    def __init__(self):
        super().__init__({"question": Out(3), "answer": In(5)})


class Answers(wiring.Component):
    __module__ = "hw.answers"  # what stands elsewhere is not a module of its own
    asked: In(Asks())

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.asked.answer.eq(self.asked.question * 3)
        return m


class Between(wiring.Component):
    asked: In(Asks())

    def elaborate(self, platform):
        m = Module()
        m.submodules.answers = answers = Answers()
        wiring.connect(m, wiring.flipped(self.asked), answers.asked)
        return m


def test_members_of_a_signature_name_the_ports():
    """Inside ``hw`` a component is a module; its interfaces are ports with their paths."""
    text = to_verilog(Between(), "between")
    assert modules(text) == ["between", "between_answers"]
    for port in ("input [2:0] asked__question", "output [4:0] asked__answer"):
        assert len(re.findall(rf"^  {re.escape(port)};", text, re.M)) == 2
    assert re.search(r"\.asked__question\(asked__question\)", text)
