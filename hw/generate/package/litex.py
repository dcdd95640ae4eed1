"""A LiteX module around the design."""

from collections.abc import Iterator
from keyword import iskeyword

from hw.generate.package.buses import AXI4, AXI4_LITE, Interface
from hw.generate.package.description import Description


__all__ = ["class_name", "litex"]


ADDRESS = 32
"""Bits of an address on LiteX' buses, of which a slave takes the lowest."""

_HEAD = '''\
"""LiteX module of {top}, by nmforge {version}: {title}."""

from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.interconnect import axi
{imports}from migen import ClockSignal, Instance, ResetSignal, Signal


class {name}(LiteXModule):
    """{top} in one clock domain.

    {uses}
    """

    def __init__(self, platform, clock_domain="sys"):
'''

_EVENTS = "from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel\n"

_USES = {
    "registers": 'Registers: ``soc.bus.add_slave(NAME, module.{bus}, SoCRegion(size={size:#x}, '
                 'cached=False))``.',
    "memory": "Memory: ``soc.bus.add_master(NAME, module.{bus})``.",
    "stream": "Streams are ``AXIStreamInterface``, endpoints of LiteX with AMBA's fields.",
    "events": "Its interrupt is the event ``ev.job``: ``soc.irq.add(NAME)``.",
}


def class_name(top: str) -> str:
    """Name of the class: ``NmAccelerator`` of ``nm_accelerator``, and no keyword of Python."""
    name = "".join(part[:1].upper() + part[1:] for part in top.split("_"))
    return f"{name}Module" if iskeyword(name) else name


def litex(about: Description) -> str:
    """Python text: a class with a LiteX interface for each bus and a signal for other ports."""
    events = any(port.name == "irq" for port in about.plain)
    lines = [_HEAD.format(top=about.top, version=about.version, title=about.title,
                          name=class_name(about.top), imports=_EVENTS * events,
                          uses="\n    ".join(_uses(about, events)) or "Ports are signals.")]
    lines += [f"        self.{one.name} = {_interface(one)}\n" for one in about.interfaces]
    lines += [f"        self.{port.name} = Signal({port.width})\n" for port in about.plain]
    if events:
        lines += ["        self.ev = EventManager()\n",
                  "        self.ev.job = EventSourceLevel()\n",
                  "        self.ev.finalize()\n",
                  "        self.comb += self.ev.job.trigger.eq(self.irq)\n"]
    lines += ["        self.specials += Instance(\n", f'            "{about.top}",\n',
              *(f"            {port}={value},\n" for port, value in _connections(about)),
              "        )\n",
              f'        platform.add_source(str(Path(__file__).with_name("{about.top}.v")))\n']
    return "".join(lines)


def _uses(about: Description, events: bool) -> Iterator[str]:
    for one in about.interfaces:
        if one == about.control:
            yield _USES["registers"].format(bus=one.name, size=1 << one.address_width)
        elif one.bus == AXI4:
            yield _USES["memory"].format(bus=one.name)
    if any(not one.address_width for one in about.interfaces):
        yield _USES["stream"]
    if events:
        yield _USES["events"]


def _interface(one: Interface) -> str:
    if not one.address_width:
        return ("axi.AXIStreamInterface(\n"
                f"            data_width={one.data_width}, keep_width={one.width('tkeep')}, "
                f"user_width={one.width('tuser')},\n            clock_domain=clock_domain)")
    address = one.address_width if one.master else max(one.address_width, ADDRESS)
    sizes = f"data_width={one.data_width}, address_width={address}"
    if one.bus == AXI4_LITE:
        return f"axi.AXILiteInterface({sizes}, clock_domain=clock_domain)"
    identity = max(map(one.width, ("awid", "arid")))
    return f"axi.AXIInterface({sizes}, id_width={identity}, clock_domain=clock_domain)"


def _connections(about: Description) -> Iterator[tuple[str, str]]:
    if about.clock:
        yield "i_clk", "ClockSignal(clock_domain)"
    if about.reset:
        inverted = "~" * about.reset.name.endswith("_n")
        yield f"i_{about.reset.name}", f"{inverted}ResetSignal(clock_domain)"
    for one in about.interfaces:
        for signal, port in one.signals.items():
            channel, name = Interface.split(signal)
            path = name if channel == "t" else f"{channel}.{name}"
            if name == "addr" and not one.master:
                path += f"[:{port.width}]"
            yield f"{port.direction[0]}_{port.name}", f"self.{one.name}.{path}"
    for port in about.plain:
        yield f"{port.direction[0]}_{port.name}", f"self.{port.name}"
