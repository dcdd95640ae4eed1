"""The component in IP-XACT, IEEE 1685-2014."""

from xml.etree import ElementTree

from hw.generate.package.buses import Interface
from hw.generate.package.description import BitField, Description, Register
from hw.stream.axi import Port


__all__ = ["component"]


NAMESPACE = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"

_ACCESS = {"rw": "read-write", "ro": "read-only", "w1": "write-only"}


class _Node:
    """An element that grows: ``node(tag, text)`` adds a child and returns it."""

    def __init__(self, element: ElementTree.Element):
        self.element = element

    def __call__(self, tag: str, text: object = None, **attributes: str) -> "_Node":
        child = ElementTree.SubElement(self.element, f"{{{NAMESPACE}}}{tag}", attributes)
        if text is not None:
            child.text = str(text)
        return _Node(child)


def component(about: Description) -> str:
    """XML text: buses, memory map, ports and files."""
    ElementTree.register_namespace("ipxact", NAMESPACE)
    root = _Node(ElementTree.Element(f"{{{NAMESPACE}}}component"))
    _named(root, "nmforge", "hw", about.top, about.version)
    if about.interfaces:
        buses = root("busInterfaces")
        for one in about.interfaces:
            _bus(buses, about, one)
    if about.control:
        _memory_map(root("memoryMaps")("memoryMap"), about, about.control)
    _model(root("model"), about)
    files = root("fileSets")("fileSet")
    files("name", "rtl")
    file = files("file")
    file("name", f"{about.top}.v")
    file("fileType", "verilogSource")
    root("description", about.title)
    ElementTree.indent(root.element)
    text = ElementTree.tostring(root.element, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _named(node: _Node, *names: str) -> None:
    for tag, name in zip(("vendor", "library", "name", "version"), names, strict=True):
        node(tag, name)


def _bus(buses: _Node, about: Description, one: Interface) -> None:
    definition = {"vendor": "amba.com", "library": "AMBA4", "version": one.bus.version}
    bus = buses("busInterface")
    bus("name", one.name)
    bus("busType", **definition, name=one.bus.name)
    abstraction = bus("abstractionTypes")("abstractionType")
    abstraction("abstractionRef", **definition, name=f"{one.bus.name}_rtl")
    maps = abstraction("portMaps")
    for logical, port in _clocked(about, one) + [
            (signal.upper(), port) for signal, port in one.signals.items()]:
        pair = maps("portMap")
        pair("logicalPort")("name", logical)
        pair("physicalPort")("name", port.name)
    role = bus(one.role)
    if one == about.control:
        role("memoryMapRef", memoryMapRef="registers")


def _clocked(about: Description, one: Interface) -> list[tuple[str, Port]]:
    """Clock of a bus, and reset where it is active low, as AMBA's is."""
    pairs = [("ACLK", about.clock)] if about.clock else []
    if about.reset and about.reset.name.endswith("_n"):
        pairs.append(("ARESETn", about.reset))
    return pairs


def _memory_map(memory: _Node, about: Description, control: Interface) -> None:
    memory("name", "registers")
    block = memory("addressBlock")
    block("name", "registers")
    block("baseAddress", 0)
    block("range", 1 << control.address_width)
    block("width", control.data_width)
    block("usage", "register")
    for register in about.registers:
        _register(block("register"), about, register)
    memory("addressUnitBits", 8)


def _register(node: _Node, about: Description, register: Register) -> None:
    node("name", register.name)
    if register.job:
        node("description", "Describes a job: writes while one is running are refused.")
    node("addressOffset", f"'h{register.offset:X}")
    node("size", 32)
    for field in register.fields:
        _field(node("field"), about, field)


def _field(node: _Node, about: Description, field: BitField) -> None:
    node("name", field.name)
    node("description", field.meaning)
    node("bitOffset", field.lsb)
    node("resets")("reset")("value", f"'h{field.reset:X}")
    node("bitWidth", field.width)
    node("volatile", str(field.access == "ro" and not field.constant).lower())
    node("access", _ACCESS[field.access])
    if field.error:
        values = node("enumeratedValues")
        for name, error in about.errors.items():
            value = values("enumeratedValue")
            value("name", name)
            value("description", error["meaning"])
            value("value", error["code"])


def _model(model: _Node, about: Description) -> None:
    view = model("views")("view")
    view("name", "rtl")
    view("envIdentifier", "verilogSource::")
    view("componentInstantiationRef", "verilog")
    instantiation = model("instantiations")("componentInstantiation")
    instantiation("name", "verilog")
    instantiation("language", "verilog")
    instantiation("moduleName", about.top)
    instantiation("fileSetRef")("localName", "rtl")
    ports = model("ports")
    for port in about.ports:
        _port(ports("port"), port)


def _port(node: _Node, port: Port) -> None:
    node("name", port.name)
    node("description", port.meaning)
    wire = node("wire")
    wire("direction", port.direction)
    if port.width > 1:
        vector = wire("vectors")("vector")
        vector("left", port.width - 1)
        vector("right", 0)
