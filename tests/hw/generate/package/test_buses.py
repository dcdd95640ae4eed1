"""Buses, found by the names of ports."""

from hw.generate.package.buses import AXI4, AXI4_LITE, AXI4_STREAM, interfaces
from hw.generate.package.description import Description
from hw.stream.axi import Port
from tests.hw.generate.package.shells import with_memory


def ports(prefix, **directions):
    return [Port(f"{prefix}_{name}", direction, 1, "") for name, direction in directions.items()]


def test_buses_of_an_accelerator_with_a_memory(project):
    about = Description(with_memory(project), 8.0)
    found = {one.name: (one.bus, one.role) for one in about.interfaces}
    assert found == {
        "s_axis_act": (AXI4_STREAM, "slave"), "s_axis_weight": (AXI4_STREAM, "slave"),
        "s_axis_token": (AXI4_STREAM, "slave"), "s_axis_channel": (AXI4_STREAM, "slave"),
        "m_axis_result": (AXI4_STREAM, "master"), "s_axil": (AXI4_LITE, "slave"),
        "m_axi": (AXI4, "master")}
    assert [port.name for port in about.plain] == ["irq"]
    memory = about.interfaces[-1]
    assert (memory.data_width, memory.address_width) == (128, 40)
    assert about.control.name == "s_axil"


def test_a_memory_that_is_only_read():
    reads = interfaces(ports("m", arvalid="out", arready="in", arlen="out", rvalid="in"))
    assert [(one.bus, one.role) for one in reads] == [(AXI4, "master")]


def test_names_alone_make_no_bus():
    assert not interfaces([*ports("a", last="in", tlast="in"), Port("tvalid", "in", 1, "")])
    assert not interfaces(ports("b", bid="in", wdata="in"))
