"""Maps modules to the cells of a library, each once, also among processes that share a store."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from json import loads

from hw.command.files import temporary
from synth.flow import address, yosys
from synth.flow.yosys import SynthesisError, SynthesisTimeout
from synth.library.liberty import Library
from synth.scripts import YOSYS_SCRIPT
from synth.store import Store, digest


__all__ = ["Mapped", "Mapper", "late"]


Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Mapped:
    """A module after synthesis, its submodules not included."""

    cells: dict[str, int]
    stime_ps: float
    netlist: dict = field(repr=False)


def late(name: str, timeout: float) -> SynthesisError:
    """What is wrong where Yosys did not end in time."""
    return SynthesisError(f"timeout must let Yosys end with {name}, not be {timeout:g} s")


class Mapper:
    """Maps modules for one library and one script.

    Parameters
    ----------
    library : Library
        Cells to map to.
    script, constraints : sequence of str
        What ABC reads.
    workers : int
        Modules that are mapped at the same time.
    timeout : float
        Seconds after which a module is given up.
    store : Store, optional
        Holds what was mapped before, and takes what is mapped now.

    Attributes
    ----------
    mapped : dict of str to Mapped
        By the text of the module.
    """

    def __init__(self, library: Library, script: Sequence[str], constraints: Sequence[str],
                 workers: int, timeout: float, store: Store | None):
        self.mapped: dict[str, Mapped] = {}
        self._library = library
        self._script = script
        self._constraints = constraints
        self._workers = workers
        self._timeout = timeout
        self._store = store
        self._cells_text = library.usable_text()

    def map_all(self, modules: Mapping[str, str], progress: Progress) -> None:
        """Map modules that are not mapped yet, given by text, with the name of each.

        What another process is mapping comes last: by then it may be in the store.

        Raises
        ------
        SynthesisError
            If Yosys fails on one of them.
        """
        # The largest first: they would otherwise keep one worker busy at the end.
        left = sorted(modules.keys() - self.mapped.keys(), key=lambda text: (-len(text), text))
        total = len(left)
        with ThreadPoolExecutor(self._workers) as pool:
            for wait in (False, True):
                futures = {pool.submit(self._obtain, text, modules[text], wait): text
                           for text in left}
                try:
                    for future in as_completed(futures):
                        if found := future.result():
                            self.mapped[futures[future]] = found
                            left.remove(futures[future])
                            progress(total - len(left), total)
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise

    def _obtain(self, text: str, name: str, wait: bool) -> Mapped | None:
        """A module from the store or mapped now; None if it is being mapped and not waited for."""
        if self._store is None:
            return self.map(text, name)
        key = address.module(digest(text), digest(self._cells_text), self._constraints,
                             self._script)
        found = self._store.make("module", key, lambda: asdict(self.map(text, name)), wait=wait)
        return found and Mapped(**found)

    def map(self, text: str, name: str) -> Mapped:
        """Map a module called ``name``; SynthesisError if Yosys fails."""
        with temporary() as path:
            (path / "module.il").write_text(text)
            (path / "cells.lib").write_text(self._cells_text)
            (path / "constraints").write_text("\n".join(self._constraints) + "\n")
            (path / "script.abc").write_text("\n".join(self._script) + "\n")
            try:
                log = yosys.run(list(YOSYS_SCRIPT), path, timeout=self._timeout)
            except SynthesisTimeout:
                raise late(name, self._timeout) from None
            except SynthesisError as error:
                raise SynthesisError(f"{name}: {error}") from None
            netlist = loads((path / "mapped.json").read_text())["modules"]["module"]
        cells = Counter(cell["type"] for cell in netlist["cells"].values())
        if unmapped := [cell for cell in cells if cell.startswith("$")]:
            raise SynthesisError(f"{name}: the library has no cell for {unmapped[0]}")
        delays = re.findall(r"Delay = *([\d.]+) ps", log)
        return Mapped({cell: count for cell, count in cells.items() if cell in self._library.cells},
                      float(delays[-1]) if delays else 0.0, netlist)
