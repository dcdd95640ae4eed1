"""What a generated design is: the machine-readable description beside its Verilog."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from hw import VERSION
from hw.accelerator.identity import identity
from hw.bus.identity import bus_identity
from hw.config import Design
from hw.generate.emit import Store
from hw.generate.handover import MEMORY
from hw.generate.tops import Top
from hw.layouts import alignment, element_bytes
from hw.registers import BusError, Error, bus_registers, descriptor_registers, own_registers


__all__ = ["describe", "manifest"]


def manifest(content: dict[str, Any]) -> str:
    """JSON text of what :func:`describe` returns."""
    return json.dumps(content, indent=2) + "\n"


def describe(name: str, module: str, top: Top, memories: Iterable[Store], why: str = ""
             ) -> dict[str, Any]:
    """Version, every parameter, port and memory, latency, interval, register map.

    ``module`` is the name of the top module; ``why`` says why the selector was chosen, where it
    was. Fields of registers have their value after reset, and say whether it never changes.
    """
    design = top.design
    ports = [{"name": port.name, "direction": port.direction, "width": port.width,
              "meaning": port.meaning} for port in [*top.control, *top.ports]]
    content = {
        "generator": {"name": "nmforge", "version": VERSION},
        "design": name,
        "top": module,
        "parameters": {
            "n": design.pattern.n,
            "m": design.pattern.m,
            **{field.name: getattr(design, field.name) for field in design.parameters()},
        },
        "derived": {
            "lanes": design.lanes,
            "span": design.pattern.span,
            "buffer_blocks": design.max_blocks,
            "bitmask_bits": design.pattern.bitmask_bits,
        },
        **({"selector_choice": why} if why else {}),
        "latency_cycles": top.latency,
        "initiation_interval_cycles": top.interval if top.latency else 0,
        "ports": ports,
        "memories": [asdict(memory) | MEMORY for memory in memories],
    }
    if name == "accelerator":
        bus = design.bus != "stream"
        content["registers"] = _registers(design)
        content["errors"] = {error.name: {"code": error.value, "meaning": error.meaning}
                             for error in (*Error, *(BusError if bus else ()))}
        if bus:
            content["descriptor"] = [register.name
                                     for register in descriptor_registers(
                                         design.decode, design.number.integer,
                                         design.tensor_scaled)]
            content["element_bytes"] = element_bytes(design)
            content["address_units"] = alignment(design)
    return content


def _registers(design: Design) -> list[dict[str, Any]]:
    constants = identity(design)
    registers = own_registers(*design.register_groups)
    if design.bus != "stream":
        constants |= bus_identity(design)
        registers += bus_registers(design.decode)
    return [asdict(register) | {"fields": [
        asdict(field) | {"lsb": register.position(field.name),
                         "reset": constants.get(field.name, 0),
                         "constant": field.name in constants}
        for field in register.fields]} for register in registers]
