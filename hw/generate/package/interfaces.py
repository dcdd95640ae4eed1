"""The design behind SystemVerilog interfaces, and templates to instantiate it."""

from collections.abc import Iterator

from hw.generate.package.buses import Interface
from hw.generate.package.description import Description
from hw.generate.package.verilog import declared, instance, vector
from hw.stream.axi import Port


__all__ = ["template", "wrapper"]


_FIXED = {"len": 8, "size": 3, "burst": 2, "lock": 1, "cache": 4, "prot": 3, "qos": 4, "region": 4,
          "resp": 2, "last": 1, "valid": 1, "ready": 1}
"""Signals whose width AMBA says. That of others is a parameter."""


def wrapper(about: Description) -> str:
    """SystemVerilog: an interface for each kind of bus, and ``<top>_interfaces`` around the top."""
    kinds = {_kind(about, one): one for one in about.interfaces}
    lines = [f"// {about.top} behind SystemVerilog interfaces, by nmforge {about.version}."]
    for kind, one in kinds.items():
        lines += ["", *_interface(kind, one)]
    return "\n".join([*lines, "", *_module(about), ""])


def _kind(about: Description, one: Interface) -> str:
    """Name of the interface of a bus: buses with equal signals share it."""
    alike = [other for other in about.interfaces if other.bus == one.bus]
    shared = set.intersection(*(set(other.signals) for other in alike))
    more = [signal.removeprefix("t") for signal in one.signals if signal not in shared]
    return "_".join([about.top, one.bus.identifier, *more])


def _widths(one: Interface) -> dict[str, str]:
    """Signals whose width is a parameter, with its name: channels with equal widths share it."""
    free = [signal for signal in one.signals if Interface.split(signal)[1] not in _FIXED]
    widths: dict[str, set[int]] = {}
    for signal in free:
        widths.setdefault(Interface.split(signal)[1], set()).add(one.width(signal))
    return {signal: f"{(name if len(widths[name]) == 1 else signal).upper()}_WIDTH"
            for signal in free for name in [Interface.split(signal)[1]]}


def _parameters(one: Interface) -> dict[str, int]:
    """Values of the parameters of an interface in this design."""
    return {name: one.width(signal) for signal, name in _widths(one).items()}


def _interface(kind: str, one: Interface) -> Iterator[str]:
    widths = _widths(one)
    yield f"interface {kind} #("
    yield ",\n".join(f"  parameter int {name} = {width}"
                     for name, width in _parameters(one).items())
    yield ");"
    for signal, port in one.signals.items():
        size = f"[{widths[signal]}-1:0] " if signal in widths else vector(port.width)
        yield f"  logic {size}{signal};"
    for role, forth in (("master", one.master), ("slave", not one.master)):
        ways = [f"    {'output' if (port.direction == 'out') == forth else 'input'} {signal}"
                for signal, port in one.signals.items()]
        yield f"  modport {role} ("
        yield ",\n".join(ways)
        yield "  );"
    yield "endinterface"


def _control(about: Description) -> list[Port]:
    """Ports that stay as they are."""
    return [port for port in (about.clock, about.reset) if port] + about.plain


def _module(about: Description) -> Iterator[str]:
    ports = [f"  {port.direction}put wire {vector(port.width)}{port.name}"
             for port in _control(about)]
    ports += [f"  {_kind(about, one)}.{one.role} {one.name}" for one in about.interfaces]
    yield f"module {about.top}_interfaces ("
    yield ",\n".join(ports)
    yield ");"
    buses = {port.name: f"{one.name}.{signal}" for one in about.interfaces
             for signal, port in one.signals.items()}
    yield from instance(about.top, f"u_{about.top}", {
        port.name: buses.get(port.name, port.name) for port in about.ports})
    yield "endmodule"


def template(about: Description) -> str:
    """SystemVerilog to copy: an instance of the top, and one of its wrapper where it has buses.

    Each stands in a module of its own with all that it connects to.
    """
    lines = [f"// Instances of {about.top} to copy, by nmforge {about.version}.", "",
             f"module {about.top}_template;", *declared(about.ports), "",
             *instance(about.top, f"u_{about.top}", {port.name: port.name
                                                     for port in about.ports}), "endmodule", ""]
    if about.interfaces:
        names = [*(port.name for port in _control(about)), *(one.name for one in about.interfaces)]
        lines += [f"module {about.top}_interfaces_template;", *declared(_control(about)),
                  *_buses(about), "",
                  *instance(f"{about.top}_interfaces", f"u_{about.top}",
                            {name: name for name in names}), "endmodule", ""]
    return "\n".join(lines)


def _buses(about: Description) -> Iterator[str]:
    for one in about.interfaces:
        widths = ", ".join(f".{name}({width})" for name, width in _parameters(one).items())
        yield f"  {_kind(about, one)} #({widths}) {one.name} ();"
