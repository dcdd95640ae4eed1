"""Buses, found by the names of ports."""

import json

import pytest

from hw.generate.package.buses import AXI4, AXI4_LITE, AXI4_STREAM, interfaces
from hw.generate.package.description import Description
from hw.stream.axi import Port
from tests.hw.generate.package.shells import with_memory


def ports(prefix, **directions):
    return [Port(f"{prefix}_{name}", direction, 1, "") for name, direction in directions.items()]


@pytest.mark.parametrize(("top", "buses", "plain"), [
    ("mine", {
        "s_axis_act": (AXI4_STREAM, "slave", 16, 0), "s_axis_weight": (AXI4_STREAM, "slave", 32, 0),
        "s_axis_token": (AXI4_STREAM, "slave", 16, 0),
        "s_axis_channel": (AXI4_STREAM, "slave", 96, 0),
        "m_axis_result": (AXI4_STREAM, "master", 64, 0), "s_axil": (AXI4_LITE, "slave", 32, 12)},
     ["irq"]),
    ("bus", {"s_axil": (AXI4_LITE, "slave", 32, 12), "m_axi": (AXI4, "master", 128, 32)}, ["irq"]),
])
def test_buses_of_accelerators(project, top, buses, plain):
    manifest = with_memory() if top == "bus" else json.loads((project / "mine.json").read_text())
    about = Description(manifest, 8.0)
    assert {one.name: (one.bus, one.role, one.data_width, one.address_width)
            for one in about.interfaces} == buses
    assert [port.name for port in about.plain] == plain
    assert about.control.name == "s_axil"


def test_a_memory_that_is_only_read():
    reads = interfaces(ports("m", arvalid="out", arready="in", arlen="out", rvalid="in"))
    assert [(one.bus, one.role) for one in reads] == [(AXI4, "master")]


def test_names_alone_make_no_bus():
    assert not interfaces([*ports("a", last="in", tlast="in"), Port("tvalid", "in", 1, "")])
    assert not interfaces(ports("b", bid="in", wdata="in"))
