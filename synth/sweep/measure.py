"""The parts of a point: netlist, result, wires, energy. Each is made once and kept."""

from collections.abc import Callable, Iterable
from statistics import fmean
from typing import Any

from hw.generate.designs import verilog
from synth.energy.measure import Measured, Settings, measure
from synth.energy.operands import make
from synth.library.power import Power
from synth.placement import lef
from synth.placement.placed import placed
from synth.store import Store, digest
from synth.sweep.point import Point
from synth.sweep.targets import TARGETS, flow_of


__all__ = ["PARTS", "netlist"]


def netlist(point: Point, store: Store) -> str:
    """Verilog of a point, generated if no run has done so."""
    text = ""

    def generate() -> str:
        nonlocal text
        text = verilog(point.name, point.design)
        store.put("verilog", key := digest(text), text)
        return key

    kept = store.get("verilog", store.make("netlist", point.netlist, generate))
    if kept is None:  # the disk has spoiled it
        generate()
    return kept or text


def _result(point: Point, store: Store, timeout: float) -> None:
    text = netlist(point, store)
    target = TARGETS[point.target]
    key = target.address(point, digest(text))
    if store.get("result", key) is None:
        store.put("result", key, target.measure(point, text, store, timeout))


def _wires(point: Point, store: Store, timeout: float) -> None:
    """Core and wires in the LEF's unit of length, delay in the library's of time.

    Means over all placements. ``buffers`` is how many were inserted at most; the cells of the
    result do not hold them. ``spread`` is the largest distance of a delay from the mean, in percent
    of it. A design without gates has no wires.
    """
    def work() -> dict[str, Any]:
        flow = flow_of(point, store, timeout)
        gates = flow.gates(netlist(point, store), point.top)
        if not gates.gates:
            return {}
        found = placed(gates, flow, lef.read(point.library.lef_files),
                       seeds=range(1, point.wires + 1))
        delays = [flow.library.reported(one.path.delay) for one in found]
        delay = fmean(delays)
        return {"core": round(fmean(one.core for one in found), 4),
                "length": round(fmean(one.length for one in found), 4),
                "buffers": max(one.buffers for one in found), "delay": round(delay, 4),
                "spread": round(100 * max(abs(one / delay - 1) for one in delays), 2)}

    store.make("wires", point.placed(_address(point, store)), work)


def _energy(point: Point, store: Store, timeout: float) -> None:
    def work() -> dict[str, Any]:
        assert point.energy is not None
        given = point.energy
        flow = flow_of(point, store, timeout)
        found = measure(point.name, point.design, flow, Settings(
            lef.read(point.library.lef_files), make(given.inputs, given.seeds), given.utilisation,
            given.cycles))
        return _figures(found, *Power(flow.tables).unit)

    store.make("energy", point.simulated(_address(point, store)), work)


def _figures(found: Measured, unit: str, scale: float) -> dict[str, Any]:
    """Energy of a product of the dense layer, or of a block where there are none, in ``unit``.

    ``percent`` is the largest distance from the mean, over placements and operands; ``parts`` are
    pairs of the energy of a part and what of it are glitches.
    """
    def mean(values: Iterable[float]) -> float:
        return sum(values) * scale / found.work / len(found.energies)

    names = dict.fromkeys(name for energy in found.energies for name in energy.parts)
    return {
        "unit": unit, "per": "product" if found.products else "block",
        "mean": found.total.mean * scale, "percent": found.total.percent,
        "settled_mean": found.settled.mean * scale, "settled_percent": found.settled.percent,
        "parts": {name: [mean(energy.parts.get(name, (0.0, 0.0))[k] for energy in found.energies)
                         for k in (0, 1)] for name in names},
        "causes": {cause: mean(getattr(energy, cause) for energy in found.energies)
                   for cause in ("load", "internal", "leakage")}}


def _address(point: Point, store: Store) -> str:
    return TARGETS[point.target].address(point, digest(netlist(point, store)))


PARTS: dict[str, Callable[[Point, Store, float], None]] = {
    "result": _result, "wires": _wires, "energy": _energy}
"""What makes each part of a point, in this order, with the seconds for a module."""
