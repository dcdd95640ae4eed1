"""The registers in SystemRDL, compiled; and the same in IP-XACT."""

import json
from dataclasses import replace

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import AddrmapNode, RegNode

from hw.accelerator.identity import identity
from hw.bus.identity import bus_identity
from hw.registers import BUS_REGISTERS, REGISTERS, BusError, Error
from tests.hw.generate.package.shells import ACCELERATOR, with_memory, write


ACCESS = {"r": "ro", "rw": "rw", "w": "w1"}


def compiled(path) -> AddrmapNode:
    """The map in a file of SystemRDL or IP-XACT."""
    compiler = RDLCompiler()
    if path.suffix == ".rdl":
        compiler.compile_file(str(path))
    else:
        from peakrdl_ipxact import IPXACTImporter

        IPXACTImporter(compiler).import_file(str(path))
    return compiler.elaborate().top


def registers(top):
    """Offset, and fields with bits, access and reset, of every register by name."""
    return {node.inst_name: (node.absolute_address, [
        (field.inst_name, field.low, field.high, ACCESS[field.get_property("sw").name],
         field.get_property("reset")) for field in node.fields()])
        for node in top.descendants() if isinstance(node, RegNode)}


def described(memory=False):
    """The same from :mod:`hw.registers`."""
    constants = identity(ACCELERATOR)
    if memory:
        constants |= bus_identity(replace(ACCELERATOR, bus="axi4"))
    return {register.name: (register.offset, [
        (field.name, low := register.position(field.name), low + field.width - 1, field.access,
         constants.get(field.name, 0)) for field in register.fields])
        for register in (*REGISTERS, *(BUS_REGISTERS if memory else ()))}


@pytest.mark.parametrize("end", [".rdl", ".xml"])
def test_registers_are_those_of_the_design(project, end):
    assert registers(compiled(project / f"mine{end}")) == described()


@pytest.mark.parametrize("end", [".rdl", ".xml"])
def test_registers_of_a_master_are_there_too(end, tmp_path):
    top = write(with_memory(), tmp_path)
    assert registers(compiled(tmp_path / f"{top}{end}")) == described(memory=True)


def test_a_round_trip_through_ipxact(project, tmp_path):
    from peakrdl_ipxact import IPXACTExporter

    IPXACTExporter().export(compiled(project / "mine.rdl"), str(tmp_path / "mine.xml"))
    assert registers(compiled(tmp_path / "mine.xml")) == described()


@pytest.mark.parametrize("name", ["field", "addrmap", "none"])
def test_a_name_may_be_a_keyword_of_systemrdl_or_python(project, name, tmp_path):
    write(json.loads((project / "mine.json").read_text()) | {"top": name}, tmp_path)
    assert registers(compiled(tmp_path / f"{name}.rdl")) == described()
    compile((tmp_path / f"{name}_litex.py").read_text(), name, "exec")


@pytest.mark.parametrize("end", [".rdl", ".xml"])
def test_what_hardware_does_and_codes(end, tmp_path):
    top = write(with_memory(), tmp_path)
    fields = {field.inst_name: field for node in compiled(tmp_path / f"{top}{end}").descendants()
              if isinstance(node, RegNode) for field in node.fields()}
    for name in ("error", "bus_error"):
        assert {member.name: (member.value, member.rdl_desc)
                for member in fields[name].get_property("encode")} == {
            error.name: (error.value, error.meaning) for error in (*Error, *BusError)}
    assert fields["tokens"].get_property("desc") == "tokens of the job"
    if end == ".rdl":
        assert fields["start"].get_property("singlepulse")
        assert fields["busy"].is_volatile
        assert not fields["id"].is_hw_writable
