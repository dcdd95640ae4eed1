"""Memories of another maker in the place of those of the Verilog, as the manifest allows them."""

import json

import pytest
import torch

from hw.config import Design, Pattern
from hw.fixed_point import Output
from hw.generate import generate
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator, accelerator
from sw.driver.linear import Corrections, run_linear
from sw.driver.reference import ReferenceAccelerator


pytestmark = pytest.mark.usefixtures("wheel")

SMALL = {"rows": 2, "columns": 2, "tile": 1, "max_k": 16, "batch_tokens": 4}
MEMORY = """
module {module}(write_data, write_enable, read_address, read_enable, clk, rst, read_data,
                write_address);
  input [{address}:0] write_address, read_address;
  input [{bit}:0] write_data;
  input write_enable, read_enable, clk, rst;
  output reg [{bit}:0] read_data;
  reg [{bit}:0] words [{word}:0];
  always @(posedge clk) begin
    if (write_enable) words[write_address] <= write_data;
    if (read_enable)
      read_data <= write_enable && write_address == read_address
        ? ~words[read_address] ^ {{{bits}{{$random}}}} : words[read_address];
  end
endmodule
"""
"""A memory that gives random bits where it is read and written at once."""


@pytest.mark.parametrize(("parameters", "corrections", "threshold"), [
    ({}, Corrections(Output.CORRECTED), 0),
    ({"statistics": True, "shift": "mean"},
     Corrections(Output.CORRECTED, variance=True, token_shift=True), 0),
    ({"flexible": "all", "unstructured": True, "shift": "median"}, Corrections(), 40),
], ids=["plain", "statistics", "unstructured"])
def test_no_result_depends_on_a_read_during_a_write(parameters, corrections, threshold, tmp_path,
                                                    monkeypatch):
    design = Design(Pattern(2, 4), **SMALL, **parameters)
    generate("accelerator", design, tmp_path)
    manifest = json.loads((tmp_path / "nm_accelerator.json").read_text())
    text = "`define NM_ACCELERATOR_NO_MEMORIES\n" + (tmp_path / "nm_accelerator.v").read_text()
    for memory in manifest["memories"]:
        text += MEMORY.format(module=memory["module"], word=memory["words"] - 1,
                              bit=memory["bits"] - 1, bits=memory["bits"],
                              address=(memory["words"] - 1).bit_length() - 1)
    monkeypatch.setattr(accelerator, "simulated", lambda *about: (text, manifest))
    rtl, reference = Accelerator(design, stall=0.2), ReferenceAccelerator(design)
    rng = generator("memories", threshold)
    for tokens, features, outputs in ((9, 16, 7), (4, 5, 1), (11, 12, 4)):
        x, w = (torch.from_numpy(rng.integers(-128, 128, size, "int8"))
                for size in ((tokens, features), (outputs, features)))
        got, _ = run_linear(rtl, x, w, corrections, threshold=threshold)
        assert torch.equal(got, run_linear(reference, x, w, corrections, threshold=threshold)[0])
