"""What the inputs of a module keep to, whatever else they do, in proofs about its states.

Every stream keeps the first rule (:mod:`verify.formal`), and so does what comes in from outside;
the others are those of the controller, :class:`hw.accelerator.controller.Controller`.
"""

__all__ = ["BEGINS", "KEEPS", "OUTPUT", "rules"]


BEGINS, KEEPS, OUTPUT = "rules_begins", "rules_keep", "gold_"
"""Wires: the reset, and whether inputs keep to the rules; what outputs of the module begin with."""

_SETTINGS = ("corrections__", "finish__", "run__job")
"""Inputs that a job does not change: what software has set is locked while one runs."""


def rules(seen: dict[str, tuple[str, int]], given: str = "1") -> list[str]:
    """Verilog of :data:`KEEPS`, which needs a wire of each output of the module.

    A beat on offer stays until it is taken, or the job is aborted. Settings stay, and an abort goes
    on, while a module that says so is not idle. A module that hears of no aborts may see beats go
    with one, so that nothing is asked there.

    Parameters
    ----------
    seen : dict of str to (str, int)
        Direction and width of each port of the module.
    given : str
        What else its inputs keep to, in Verilog.
    """
    if "run__drop" not in seen:
        return [f"wire {KEEPS} = {given};"]
    inputs = {name: width for name, (kind, width) in seen.items() if kind == "input"}
    lines, whole = [], [given]
    for name in (port[:-7] for port in inputs if port.endswith("__valid")):
        if f"{name}__ready" in seen:
            beat, bits = _together(inputs, (f"{name}__valid", f"{name}__payload"))
            lines += _held(f"rules_offered_{name}", f"!run__drop && {name}__valid && "
                           f"!{OUTPUT}{name}__ready", f"rules_{name}", beat, bits)
            whole.append(f"(!rules_offered_{name} || {beat} == rules_{name})")
    if "idle" in seen:
        words, bits = _together(inputs, _SETTINGS)
        lines += _held("rules_drops", f"run__drop && !{OUTPUT}idle", "rules_settings", words, bits)
        whole += ["!rules_drops", f"({OUTPUT}idle || {words} == rules_settings)"]
    return [*lines, f"wire {KEEPS} = run__drop || ({' && '.join(whole)});"]


def _together(inputs: dict[str, int], names: tuple[str, ...]) -> tuple[str, int]:
    """Ports that begin with a name, in one word, and its bits; a 1 stands before them."""
    chosen = [port for port in inputs if port.startswith(names)]
    word = ", ".join(["1'b1", *(f"\\{port} " for port in chosen)])
    return f"{{{word}}}", 1 + sum(inputs[port] for port in chosen)


def _held(flag: str, holds: str, word: str, value: str, bits: int) -> list[str]:
    """Registers of whether something held in the cycle before, and of a word there."""
    return [f"reg {flag}; reg [{bits - 1}:0] {word};",
            f"always @(posedge clk) {flag} <= !{BEGINS} && {holds};",
            f"always @(posedge clk) {word} <= {value};"]
