"""What the Verilog says at its head, its memories, and its ports as they were asked for."""

import json
import re
import subprocess

import pytest

from hw.config import Design, Pattern
from hw.generate import generate, verilog
from hw.generate.emit import to_verilog
from hw.generate.handover import check_timescale
from hw.stream.memory import Memory
from synth.flow import yosys


DESIGN = Design(Pattern(2, 4), coefficients=4, max_k=256)


def head(text):
    return re.match(r"/\*\n(.*?) \*/\n", text, re.S)[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A compressor with a memory of 64 words of 16 bits, in files."""
    folder = tmp_path_factory.mktemp("handed-over")
    generate("compressor", DESIGN, folder)
    return folder


def test_head_says_what_the_design_is(folder):
    text = head((folder / "nm_compressor.v").read_text())
    assert "for 2:4, by nmforge" in text
    assert "coefficients 4" in text
    assert "rows" not in text  # a compressor has none
    assert "Memories: 1024 bits" in text


def test_yosys_line_keeps_memories(folder, tmp_path):
    """As it stands in the head; without its ``blackbox``, every bit becomes a flip-flop."""
    line = re.search(r'yosys -p "(.*synth -top nm_compressor)"',
                     head((folder / "nm_compressor.v").read_text()))[1]
    counts = {}
    for name, script in (("kept", line), ("lost", re.sub(r" blackbox \S+;", "", line))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nm_compressor.v").write_text((folder / "nm_compressor.v").read_text())
        yosys.run([f"{script} -noabc".replace("; ", "\n"), "write_json out.json"],
                  tmp_path / name, timeout=100)
        netlist = json.loads((tmp_path / name / "out.json").read_text())["modules"]
        cells = [cell["type"] for module in netlist.values() for cell in module["cells"].values()]
        counts[name] = sum("DFF" in cell for cell in cells), cells.count(
            "nm_compressor_memory_64x16")
    assert counts["kept"][1] == 1
    assert counts["lost"][0] >= counts["kept"][0] + 1024


def test_yosys_maps_a_memory_to_block_memory(tmp_path):
    (tmp_path / "memory.v").write_text(to_verilog(Memory(36, 512), "memory"))
    yosys.run(["read_verilog memory.v", "synth_ecp5 -noabc9 -top memory", "write_json out.json"],
              tmp_path, timeout=100)
    netlist = json.loads((tmp_path / "out.json").read_text())["modules"]["memory"]
    cells = [cell["type"] for cell in netlist["cells"].values()]
    assert cells == ["DP16KD"]  # no flip-flops for a read in the cycle of a write


def test_manifest_lists_every_memory(folder):
    text = (folder / "nm_compressor.v").read_text()
    memories = json.loads((folder / "nm_compressor.json").read_text())["memories"]
    assert [(memory["module"], memory["instances"], memory["words"], memory["bits"],
             memory["read_latency_cycles"]) for memory in memories] == [
        ("nm_compressor_memory_64x16", 1, 64, 16, 1)]
    assert "no result depends on" in memories[0]["read_during_write"]
    assert re.findall(r"reg \[(\d+):0\] cells \[(\d+):0\];", text) == [("15", "63")]


def test_a_macro_leaves_the_memories_out(folder, tmp_path):
    (tmp_path / "nm_compressor.v").write_text((folder / "nm_compressor.v").read_text())
    yosys.run(["read_verilog -DNM_COMPRESSOR_NO_MEMORIES nm_compressor.v", "write_rtlil out.il"],
              tmp_path, timeout=60)
    modules = set(re.findall(r"^module \\(\w+)", (tmp_path / "out.il").read_text(), re.M))
    assert "nm_compressor_channel_stage" in modules
    assert not [module for module in modules if "_memory_" in module]


def test_design_has_no_latches_and_no_empty_modules(tmp_path):
    """Of an accelerator with everything, by Yosys, which infers latches where a value is kept."""
    text = verilog("accelerator", Design(
        Pattern(2, 4), rows=1, columns=1, tile=1, max_k=8, batch_tokens=1, flexible="all",
        unstructured=True, shift="median", statistics=True))
    (tmp_path / "design.v").write_text(text)
    log = yosys.run(["read_verilog design.v", "hierarchy -check -top nm_accelerator", "proc",
                     "select -assert-none t:$dlatch t:$adlatch t:$sr", "check -assert"], tmp_path,
                    timeout=100)
    assert "Latch inferred" not in log
    for name, body in re.findall(r"^module (\w+)\(.*?\);\n(.*?)^endmodule", text, re.M | re.S):
        assert re.search(r"^  (assign|always|\w+ \w+ \($)", body, re.M), name


@pytest.mark.parametrize("text", ["1ns/1ps", "1ns/1ns", "100us/10ns", "1s/1fs"])
def test_timescale_is_taken(text, tmp_path):
    assert check_timescale(text) == text
    generate("selector", Design(Pattern(2, 4)), tmp_path, timescale=text)
    assert f"\n`timescale {text}\n" in (tmp_path / "nm_selector.v").read_text()
    assert "`timescale" not in verilog("selector", Design(Pattern(2, 4)))


@pytest.mark.parametrize("text", ["1", "1ns/", "2ns/1ns", "1ns/10ns", "1ns/1ps ", "1ns/1ps\n`x"])
def test_timescale_that_is_none(text):
    with pytest.raises(ValueError, match=r"^timescale must be a unit and a precision"):
        check_timescale(text)


def test_ports_are_as_they_were_asked_for(tmp_path):
    design = Design(Pattern(3, 7), reset="active_low", pad_streams=True)
    generate("compressor", design, tmp_path)
    ports = {port["name"]: port for port in json.loads(
        (tmp_path / "nm_compressor.json").read_text())["ports"]}
    assert "rst" not in ports
    assert ports["rst_n"]["meaning"] == "synchronous reset, active low"
    widths = {name: ports[name]["width"] for name in ("s_axis_tdata", "s_axis_tkeep",
                                                      "m_axis_tdata", "m_axis_tkeep")}
    assert widths == {"s_axis_tdata": 64, "s_axis_tkeep": 8, "m_axis_tdata": 32,
                      "m_axis_tkeep": 4}
    text = (tmp_path / "nm_compressor.v").read_text()
    assert "assign m_axis_tkeep = 4'h7;" in text


def test_text_is_the_same_under_every_hash_seed_and_says_no_date(folder, tmp_path):
    again = tmp_path / "again"
    generate("compressor", DESIGN, again)
    for path in folder.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()
    date = subprocess.run(["date", "+%Y"], capture_output=True, text=True, check=True).stdout
    assert date.strip() not in head((folder / "nm_compressor.v").read_text())
