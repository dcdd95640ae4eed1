"""Under what results of the flow are kept: digests of all that they depend on."""

from collections.abc import Sequence

from synth.scripts import YOSYS_SCRIPT
from synth.store import digest, sources, versions


__all__ = ["module", "result"]


def module(text: str, cells: str, constraints: Sequence[str], script: Sequence[str]) -> str:
    """Address of a mapped module.

    Parameters
    ----------
    text : str
        Digest of the module.
    cells : str
        Digest of the library, as Yosys reads it.
    constraints, script : sequence of str
        Lines that ABC reads.
    """
    return digest(text, cells, constraints, YOSYS_SCRIPT, script, versions("pyosys"),
                  sources("synth/flow/mapping.py", "synth/flow/yosys.py"))


def result(text: str, top: str, library: str, goal: str) -> str:
    """Address of the result of a design.

    Parameters
    ----------
    text : str
        Digest of its Verilog.
    top : str
        Name of its top.
    library : str
        Digest of the library, ``digest`` of :class:`synth.library.liberty.Library`.
    goal : str
        What it is mapped for.
    """
    return digest(text, top, library, goal, versions("pyosys", "numpy"),
                  sources("synth/flow", "synth/library", "synth/scripts.py"))
