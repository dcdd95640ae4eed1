"""Few tokens, for which weights are read by mask: what ``python -m sim.system --decode`` adds."""

from hw.command.progress import doing, track
from hw.command.table import Table
from hw.config import Design
from sim.runs.system import Memory, Run, decodes, operands, place
from sw.exact.selection import nm_mask


__all__ = ["report_decode"]


FEW = (1, 2)
"""Tokens of the jobs, where the design decodes as many."""


def report_decode(designs: list[Design], layer: int, sentences: list[str], memory: Memory,
                  run: Run, core: bool = False) -> bool:
    """Run and print one token and two, beside the same jobs with all weights, and dense ones.

    With ``core``, ``run`` counts what the program does itself.

    ``needed`` is the share of features that some of the tokens keeps, by the reference: what
    ``over dense`` comes to where a beat of the bus has the weights of one feature.

    Returns
    -------
    bool
        Whether all results are exact.

    Raises
    ------
    ValueError
        If a layer has more input features than masks are kept for.
    """
    parts, exact = operands(sentences, layer), True
    for design in designs:
        if any(not decodes(design, x[:1]) for x, _ in parts.values()):
            raise ValueError(f"max_k must be at least {max(x.shape[1] for x, _ in parts.values())} "
                             f"with decode, the input features of this layer, not {design.max_k}")
    table = Table(f"MiniLM feed-forward layer {layer}, weights read by mask, "
                  f"{place(designs[0], memory)}", ("pattern", "layer", "tokens"),
                  ("bit-exact", "cycles", "all weights", "fewer", "dense", "fewer", "weight bytes",
                   "all weights", "over dense", "needed", "token bytes", "result bytes",
                   "descriptor bytes", *["firmware"] * core))
    for design in track(designs, "patterns"):
        pattern = design.pattern
        for tokens in sorted({min(design.decode_tokens, few, len(parts["up"][0])) for few in FEW}):
            for name, (x, weight) in parts.items():
                jobs = {"by mask": (design, True), "with all weights": (design, False),
                        "dense": (design.baseline, False)}
                outcomes = []
                for how, (one, decode) in jobs.items():
                    with doing(f"simulating {name} at {pattern} {how}, tokens: {tokens}"):
                        outcomes.append(run(one, memory, x[:tokens], weight, decode=decode))
                ours, whole, dense = outcomes
                needed = nm_mask(x[:tokens], pattern.n, pattern.m).any(0).float().mean()
                exact = exact and all(one.exact for one in outcomes)
                table.row(str(pattern), name, f"{tokens}",
                          "yes" if all(one.exact for one in outcomes) else "NO",
                          f"{ours.cycles}", f"{whole.cycles}",
                          f"{whole.cycles / ours.cycles:.3f}x", f"{dense.cycles}",
                          f"{dense.cycles / ours.cycles:.3f}x", f"{ours.moved['weight']}",
                          f"{whole.moved['weight']}",
                          f"{ours.moved['weight'] / dense.moved['weight']:.3f}x", f"{needed:.3f}x",
                          f"{ours.moved['act']}", f"{ours.moved['result']}",
                          f"{ours.moved['descriptor']}", *[f"{ours.firmware}"] * core)
        table.section()
    table.print()
    return exact
