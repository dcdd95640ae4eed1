"""Synthesis of a design to the cells of a library: area, cells and delay.

Every module of the design is synthesised alone, in a process of its own, from a text that does not
depend on the rest of the design. The result of a module is therefore a function of its text, the
library and the script below, whatever ran before, beside or after it, and a module that many
designs share is synthesised once.
"""

import pathlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hw.command.files import temporary
from hw.config import choice
from synth.flow import address
from synth.flow.flat import Netlist
from synth.flow.gates import Gates, Modules, dissolve
from synth.flow.mapping import Mapped, Mapper, late
from synth.flow.netlist import MEMORIES, Module, count_instances, split
from synth.flow.timing import Path, longest_path
from synth.flow.verilog import netlist as written
from synth.flow.yosys import SynthesisError, SynthesisTimeout
from synth.library import liberty
from synth.library.tables import Tables
from synth.scripts import ABC_SCRIPTS, CELLS, GOALS
from synth.store import Store, digest


__all__ = ["Flow", "Mapped", "Result", "SynthesisError", "synthesize"]


PORT_LOADS = 4
"""Load of an output, in input capacitances of the smallest inverter."""


@dataclass(frozen=True)
class Result:
    """A design after synthesis, all instances of all modules included.

    Attributes
    ----------
    area : float
        In the units of the library. Memories have none.
    gates : float
        In areas of the library's smallest two-input NAND.
    cells : dict
        Number of every cell.
    flip_flops, memory_bits : int
        Flip-flops and latches; bits of the memories.
    delay : float
        Longest path through all modules, in the library's ``time_unit``, as ``path`` says.
    path : Path
        Where it starts and ends, its delay in the same unit.
    module_delay : float
        Longest combinational path within one module, as ABC's ``stime`` gives it.
    module : str
        That module.
    instances : dict
        Number of instances of every module.
    modules : dict
        For every module but memories the area of its own cells, ``registers`` of that in
        flip-flops, and its ``children``, logic too, with how many of each it has.
    """

    area: float
    gates: float
    cells: dict[str, int]
    flip_flops: int
    memory_bits: int
    delay: float
    path: Path = field(repr=False)
    module_delay: float
    module: str
    instances: dict[str, int] = field(repr=False)
    modules: dict[str, dict] = field(repr=False)

    @classmethod
    def load(cls, kept: dict[str, Any]) -> "Result":
        """The result whose ``asdict`` was kept as JSON."""
        return cls(**{**kept, "path": Path(**kept["path"])})


class Flow:
    """Synthesises designs for one library; each distinct module once.

    Parameters
    ----------
    library : liberty.Library
        Cells to map to.
    goal : str
        What ABC optimises for, one of :data:`GOALS`.
    workers : int
        Modules that are synthesised at the same time.
    timeout : float
        Seconds after which a module is given up.
    store : Store, optional
        Modules and results of other runs; those of this one are added.

    Raises
    ------
    ValueError
        If the goal is unknown.
    """

    def __init__(self, library: liberty.Library, *, goal: str = "area", workers: int = 1,
                 timeout: float = 600, store: Store | None = None):
        self.library = library
        self.goal = choice("goal", goal, GOALS)
        self.abc_script = ABC_SCRIPTS[goal]
        self.workers = workers
        self.timeout = timeout
        self.store = store
        self.tables = Tables(library)
        self._netlists: dict[str, Netlist] = {}
        self.port_load = PORT_LOADS * max(library.inverter.capacitance.values())
        self.constraints = (f"set_driving_cell {library.buffer.name}",
                            f"set_load {self.port_load * library.capacitance_ff:g}")
        self._mapper = Mapper(library, self.abc_script, self.constraints, workers, timeout, store)
        self._mapped: dict[str, Mapped] = self._mapper.mapped

    def run(self, designs: Sequence[tuple[str, str]],
            progress: Callable[[int, int], None] = lambda done, total: None) -> list[Result]:
        """Synthesise pairs of Verilog text and name of its top.

        ``progress`` is told how many modules are done, of how many.

        Raises
        ------
        SynthesisError
            If Yosys fails on one of them.
        """
        found = {design: self._recall(*design) for design in designs}
        missing = [design for design, known in found.items() if known is None]
        for design, mapped in zip(missing, self._map_all(missing, progress), strict=True):
            found[design] = self._remember(*design, self._result(*mapped))
        return [found[design] for design in designs]  # type: ignore[misc]

    def _recall(self, verilog: str, top: str) -> Result | None:
        """A result of another run."""
        if self.store is None:
            return None
        kept = self.store.get("result", self._address(verilog, top))
        return kept and Result.load(kept)

    def _remember(self, verilog: str, top: str, result: Result) -> Result:
        if self.store is not None:
            self.store.put("result", self._address(verilog, top), asdict(result))
        return result

    def _address(self, verilog: str, top: str) -> str:
        return address.result(digest(verilog), top, self.library.digest, self.goal)

    def modules(self, verilog: str, top: str) -> Modules:
        """Every module of one design but its memories, mapped now or before.

        Raises
        ------
        SynthesisError
            If Yosys fails.
        """
        (_, modules), = self._map_all([(verilog, top)])
        return {name: (self._mapped[module.text].netlist, module.aliases)
                for name, module in modules.items() if not MEMORIES.fullmatch(name)}

    def gates(self, verilog: str, top: str) -> Gates:
        """All gates of one design; memories stay outside, and errors are those of `modules`."""
        return dissolve(top, self.modules(verilog, top), self.library.cells)

    def netlist(self, verilog: str, top: str) -> str:
        """One design mapped, as Verilog of the functions of its cells, module by module.

        Memories stay what they were, and errors are those of `modules`.
        """
        memories = [text for text in re.findall(r"^module .*?^endmodule\n", verilog, re.M | re.S)
                    if MEMORIES.match(text, len("module "))]
        return "\n".join([*memories, written(self.modules(verilog, top), self.library.cells)])

    def _map_all(self, designs: Iterable[tuple[str, str]],
                 progress: Callable[[int, int], None] = lambda done, total: None
                 ) -> list[tuple[str, dict[str, Module]]]:
        """Map every module of the designs that is not mapped yet."""
        with ThreadPoolExecutor(self.workers) as pool:
            split_designs = list(pool.map(lambda design: self._split(*design), designs))
        waiting = {module.text: f"{top}: {name}" for top, modules in split_designs
                   for name, module in modules.items() if not MEMORIES.fullmatch(name)}
        self._mapper.map_all(waiting, progress)
        return split_designs

    def _split(self, verilog: str, top: str) -> tuple[str, dict[str, Module]]:
        with temporary() as folder:
            try:
                return top, split(verilog, top, folder, timeout=self.timeout)
            except SynthesisTimeout:
                raise late(top, self.timeout) from None

    def _path(self, top: str, modules: dict[str, Module], names: Iterable[str]) -> Path:
        parts = {}
        for name in names:
            text = modules[name].text
            if text not in self._netlists:
                self._netlists[text] = Netlist(self._mapped[text].netlist, self.tables)
            parts[name] = self._netlists[text], modules[name].aliases
        try:
            return longest_path(top, parts, self.tables, self.library.buffer.name, self.port_load)
        except ValueError as error:
            raise SynthesisError(f"{top}: {error}") from None

    def _result(self, top: str, modules: dict[str, Module]) -> Result:
        instances = count_instances(top, modules)
        cells: Counter[str] = Counter()
        bits, worst = 0, (0.0, top)
        for name, count in instances.items():
            if MEMORIES.fullmatch(name):
                bits += count * modules[name].memory_bits
                continue
            mapped = self._mapped[modules[name].text]
            cells.update({cell: count * number for cell, number in mapped.cells.items()})
            if mapped.stime_ps > worst[0]:
                worst = mapped.stime_ps, name
        known = self.library.cells
        logic = [name for name in instances if not MEMORIES.fullmatch(name)]
        path = self._path(top, modules, logic)
        path = replace(path, delay=self.library.reported(path.delay))
        area = sum(known[cell].area * number for cell, number in sorted(cells.items()))
        return Result(
            area=round(area, 4),
            gates=round(area / self.library.nand2.area, 2),
            cells=dict(sorted(cells.items())),
            flip_flops=sum(number for cell, number in cells.items() if known[cell].sequential),
            memory_bits=bits,
            delay=round(path.delay, 4),
            path=path,
            module_delay=round(worst[0] / 1000, 4),
            module=worst[1],
            instances=instances,
            modules={name: self._own(modules[name]) for name in logic},
        )

    def _own(self, module: Module) -> dict:
        """What a module has without its children, and how many of these."""
        cells = [(self.library.cells[cell], count)
                 for cell, count in sorted(self._mapped[module.text].cells.items())]
        return {"area": round(sum(cell.area * count for cell, count in cells), 4),
                "registers": round(sum(cell.area * count for cell, count in cells
                                       if cell.sequential), 4),
                "children": {name: count for name, count in module.instances.items()
                             if not MEMORIES.fullmatch(name)}}


def synthesize(verilog: str, top: str, liberty_file: str | pathlib.Path | None = None, *,
               goal: str = "area", workers: int = 1, timeout: float = 600) -> Result:
    """Synthesise one design, for instance ``amaranth.back.verilog.convert(component)``.

    Parameters
    ----------
    verilog : str
        The whole design.
    top : str
        Name of its top module.
    liberty_file : path, optional
        A Liberty file, plain or gzipped; the project's own cells by default.
    goal, workers, timeout
        As in ``Flow``.

    Raises
    ------
    ValueError
        If the library is none, or the goal is unknown.
    SynthesisError
        If Yosys fails.
    """
    library = liberty.read(CELLS if liberty_file is None else liberty_file)
    return Flow(library, goal=goal, workers=workers, timeout=timeout).run([(verilog, top)])[0]
