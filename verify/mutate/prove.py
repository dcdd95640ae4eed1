"""Proofs that a mutant is equivalent: no input, whatever came before, makes a difference."""


from hw.command.files import temporary
from synth.flow import yosys
from verify.mutate.make import module_of


__all__ = ["PROOFS", "prove"]


_TIMEOUT = 100.0
"""Seconds of a proof; one that takes longer is none."""

_CLEAN = "memory_map; dffunmap; async2sync; opt_clean"
_STATE = ["select -set held t:$dff %co1:+[Q] w:* %i", "rename -hide w:* @held %d", "select -clear"]
"""Only ports and flip-flops keep their names: what stands between them may differ."""
_INDUCTION = ["equiv_make gold gate equiv", "hierarchy -top equiv", "clean -purge",
              "equiv_simple -undef", "equiv_induct -undef -seq 5", "equiv_status -assert"]

PROOFS = {
    "nets": "induction (equiv_induct) over all nets of the module that have names",
    "module": "induction over outputs and flip-flops of the module, with all that stands in it",
    "design": "induction over outputs and flip-flops of the whole design",
}
"""Ways of a proof, the quick one first."""


def prove(gold: str, top: str, mutant: str) -> str:
    """Return the way of :data:`PROOFS` by which a mutant is equivalent, or nothing."""
    for way in PROOFS:
        if _holds(gold, _script(way, top, mutant)):
            return way
    return ""


def _script(way: str, top: str, mutant: str) -> list[str]:
    module = top if way == "design" else module_of(mutant)
    hidden = [] if way == "nets" else _STATE
    halves = [["read_rtlil gold.il", *change, f"hierarchy -top {module}", "flatten", _CLEAN,
               *hidden, f"rename {module} {name}", f"design -stash {name}"]
              for name, change in (("gold", []), ("gate", [f"mutate {mutant}"]))]
    both = [*halves[0], *halves[1], "design -copy-from gold -as gold gold",
            "design -copy-from gate -as gate gate"]
    return [*both, *_INDUCTION]


def _holds(gold: str, script: list[str]) -> bool:
    with temporary() as folder:
        (folder / "gold.il").write_text(gold)
        try:
            yosys.run(script, folder, timeout=_TIMEOUT)
        except yosys.SynthesisError:
            return False
    return True
