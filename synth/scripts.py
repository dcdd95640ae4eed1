"""What Yosys and ABC run for every design, and the cells that come with the project."""

from pathlib import Path


__all__ = ["ABC_SCRIPTS", "CELLS", "GOALS", "SIZED", "YOSYS_SCRIPT"]


CELLS = Path(__file__).parent / "cells" / "nmforge.lib"
"""The project's own cell library, for a report without a PDK. Sizes stand in ``.lef`` beside it."""

YOSYS_SCRIPT = (
    "read_rtlil module.il",
    "hierarchy -check -top module",
    "synth -top module -noabc -booth",
    "dfflibmap -liberty cells.lib",
    "opt",
    "abc -liberty cells.lib -constr constraints -script script.abc",
    "opt_clean -purge",
    "write_json mapped.json",
)
"""Commands for every module of every design."""

ABC_SCRIPTS = {
    "area": ("strash", "dc2", "dc2", "&get -n", "&resyn3rs", "&put", "amap -m", "topo",
             "buffer -c", "topo", "dnsize -c", "stime -p"),
    "work": ("strash", "dc2", "dc2", "&get -n", "&resyn3rs", "&put", "amap -m", "topo",
             "buffer -c -N 16 -G 600", "topo", "dnsize -c", "stime -p"),
    "delay": ("strash", "dc2", "dc2", "balance", "map -B 0.8", "topo", "buffer -c", "topo",
              "upsize -c", "dnsize -c", "stime -p"),
}
"""Commands of ABC, which maps the logic, for each goal. Without SAT sweeping, which does not end on
selectors. ``topo`` after mapping drops cells that nothing reads; ``buffer`` stumbles over them.
``work`` maps as ``area`` does, but leaves what its cells drive to a sizing for placed wires."""

GOALS = tuple(ABC_SCRIPTS)
"""What a design can be mapped for."""

SIZED = ("work",)
"""Goals with which the cells of a placed design are sized for their wires."""
