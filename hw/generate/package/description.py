"""What all files of a package are made from: the manifest, read once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hw.generate.package.buses import Interface, interfaces
from hw.stream.axi import Port


__all__ = ["BitField", "Description", "Register"]


@dataclass(frozen=True)
class BitField:
    """Bits of a register, as the manifest has them."""

    name: str
    width: int
    access: str
    meaning: str
    lsb: int
    reset: int
    constant: bool

    @property
    def msb(self) -> int:
        """Highest bit."""
        return self.lsb + self.width - 1

    @property
    def error(self) -> bool:
        """Whether it holds the code of an error: ``error``, or of one part, ``bus_error``."""
        return self.name == "error" or self.name.endswith("_error")


@dataclass(frozen=True)
class Register:
    """A 32-bit register, as the manifest has it."""

    name: str
    offset: int
    fields: tuple[BitField, ...]
    job: bool

    @property
    def reset(self) -> int:
        """What it reads as after reset."""
        return sum(field.reset << field.lsb for field in self.fields)

    @property
    def kept(self) -> int:
        """Mask of the bits that keep what is written; 0 if writing also does something."""
        if any(field.access == "w1" for field in self.fields):
            return 0
        return sum(((1 << field.width) - 1) << field.lsb for field in self.fields
                   if field.access == "rw")


@dataclass(frozen=True)
class Description:
    """A design as its manifest describes it.

    Parameters
    ----------
    content : dict
        The manifest.
    clock_ns : float
        Period of the clock in ns.
    """

    content: dict[str, Any]
    clock_ns: float

    @property
    def top(self) -> str:
        """Name of the top module, with which the files begin."""
        return self.content["top"]

    @property
    def design(self) -> str:
        """What the design is, one of :data:`hw.config.DESIGNS`."""
        return self.content["design"]

    @property
    def version(self) -> str:
        """Version of the generator."""
        return self.content["generator"]["version"]

    @property
    def parameters(self) -> dict[str, Any]:
        """Value of every parameter, by name."""
        return self.content["parameters"]

    @property
    def pattern(self) -> str:
        """The pattern, as in 8:16."""
        return f"{self.parameters['n']}:{self.parameters['m']}"

    @property
    def title(self) -> str:
        """One line that says what it is."""
        return f"{self.design} for {self.pattern} activation sparsity"

    @cached_property
    def ports(self) -> list[Port]:
        """All ports, clock and reset first."""
        return [Port(**port) for port in self.content["ports"]]

    @property
    def clock(self) -> Port | None:
        """The clock; None of a combinational design."""
        return next((port for port in self.ports if port.name == "clk"), None)

    @property
    def reset(self) -> Port | None:
        """The reset: ``rst``, or ``rst_n`` where it is active low; None without a clock."""
        return next((port for port in self.ports if port.name in ("rst", "rst_n")), None)

    @cached_property
    def interfaces(self) -> list[Interface]:
        """Buses that the ports form."""
        return interfaces(self.ports)

    @property
    def plain(self) -> list[Port]:
        """Ports of no bus, without clock and reset."""
        known = {port.name for one in self.interfaces for port in one.signals.values()}
        control = {port.name for port in (self.clock, self.reset) if port}
        return [port for port in self.ports if port.name not in known | control]

    @cached_property
    def registers(self) -> list[Register]:
        """The register map; empty where there is none."""
        return [Register(**register | {"fields": tuple(BitField(**field)
                                                       for field in register["fields"])})
                for register in self.content.get("registers", [])]

    @property
    def control(self) -> Interface | None:
        """The bus to the registers."""
        return next((one for one in self.interfaces
                     if self.registers and one.address_width and not one.master), None)

    @property
    def errors(self) -> dict[str, dict[str, Any]]:
        """Code and meaning of what fields of errors hold, by name."""
        return self.content.get("errors", {})
