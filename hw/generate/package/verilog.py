"""What templates, wrappers and benches in Verilog have in common."""

from collections.abc import Iterable, Mapping

from hw.stream.axi import Port


__all__ = ["declared", "instance", "vector"]


def vector(width: int) -> str:
    """The range of a wire, with a space behind it; empty for one bit."""
    return f"[{width - 1}:0] " if width > 1 else ""


def declared(ports: Iterable[Port], kind: str = "wire") -> list[str]:
    """Wires with the names of ports."""
    return [f"  {kind} {vector(port.width)}{port.name};" for port in ports]


def instance(module: str, name: str, connections: Mapping[str, str]) -> list[str]:
    """An instance, with what each port is connected to."""
    inner = [f"    .{port}({wire})" for port, wire in connections.items()]
    return [f"  {module} {name} (", *(f"{line}," for line in inner[:-1]), inner[-1], "  );"]
