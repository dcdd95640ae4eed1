"""Verilog text of components."""

import re
import subprocess
import sys

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import Design, Pattern
from hw.generate import verilog
from hw.generate.emit import to_verilog
from hw.stream.register import StreamRegister


def modules(text):
    return re.findall(r"^module (\w+)\(", text, re.M)


def test_module_does_not_depend_on_the_instance():
    small = verilog("array", Design(Pattern(2, 4), rows=2, columns=2))
    large = verilog("array", Design(Pattern(2, 4), rows=3, columns=4))
    body = re.compile(r"^module nm_array_pe\(.*?^endmodule", re.M | re.S)
    assert body.search(small)[0] == body.search(large)[0]
    assert len(re.findall(r"^  nm_array_pe ", large, re.M)) == 12


def test_components_that_differ_in_a_shape_are_different_modules():
    text = verilog("compressor", Design(Pattern(2, 4)))
    assert {"nm_compressor_stream_register", "nm_compressor_stream_register_v2"} <= set(
        modules(text))


@pytest.mark.parametrize("shape", [1, 7])
def test_nothing_has_an_initial_value(shape):
    text = to_verilog(StreamRegister(shape), "register")
    assert not re.search(r"reg .*o__(valid|payload).*=", text)


def test_same_text_under_every_hash_seed():
    script = ("from hw.config import *; from hw.generate import verilog;"
              "print(verilog('accelerator', Design(Pattern(2, 4), rows=2, columns=2)))")
    texts = {subprocess.run([sys.executable, "-c", script], env={"PYTHONHASHSEED": str(seed)},
                            capture_output=True, check=True).stdout for seed in (1, 2)}
    assert len(texts) == 1


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
