"""Evaluate sparse activations: ``python -m sw.evaluate --model minilm -o build/evaluation``."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from hw.command.files import check_writable
from hw.command.kinds import file, folder, number, one_of, text, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.formats import QUANTIZED, SELECTIONS
from sw.methods.method import BY_LAYER, Method
from sw.methods.names import CORRECTIONS, CRITERIA, FORMAT_CORRECTIONS, TRAINED, split_names
from sw.methods.schedule import Training


__all__ = ["PAPER", "main", "methods", "parser"]


PAPER = ("d-pts", "d-pts-mean", "d-pts+var", "s-pts", "l-pts", "shift", "ls", "ls+shift", "var",
         "var+ls+shift", "r-sparse", "smooth", "larosa")
"""Corrections of the paper, and their combinations."""

DESCRIPTION = """\
Evaluate sparse activations. Writes results.json, results.csv, results.md and results.png.

A run that was interrupted goes on where it stopped: results that are in results.json are not \
computed again, and several runs may write into one folder. Learned corrections are trained first, \
as python -m sw.calibrate does it, and kept in the folder learned.

Columns: loss is that over the dense model, in nats for each token (decoders) or 1 - cosine \
(encoders); gain is by how much it is smaller than that of plain magnitude with the same pattern; \
both with the standard error over windows or sentences, paired. layer_snr_db and energy_kept are \
means over layers, on what the dense model gives them; each layer's are in results.json, and so is \
what of the model was sparse in each row: layers_sparse and parameters_sparse are shares of it. \
What was asked for and cannot be is named there and at the end."""


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser("python -m sw.evaluate", DESCRIPTION, extra="model")
    made.option("-o", "--output", kind=folder(), required=True, help="folder of the results")
    made.option("--model", kind=text(), default="minilm",
                help="minilm, decoder, or name or folder of a causal model")
    made.option("--device", kind=one_of("cpu", "cuda"), default="cpu", help="where it runs")
    made.group("methods")
    made.option("--patterns", aliases=("--pattern",), kind=BY_LAYER, many=True,
                default=("2:4", "4:8", "8:16", "16:32"),
                help="N:M, unstructured-P, or one for each layer, the first that matches its "
                     "name, as in '*.down_proj=16:32+*=8:16'")
    made.option("--criteria", aliases=("--criterion",), kind=one_of(*CRITERIA, "weight"),
                many=True, default=("act",),
                help="what is selected by; weight prunes weights, alone")
    made.option("--corrections", kind=text("NAME+NAME"), many=True, default=("none",),
                help=f"combinations, such as d-pts+var, of {', '.join(CORRECTIONS)}, and with a "
                     f"format {', '.join(FORMAT_CORRECTIONS)}; none is no correction")
    made.flag("--paper", help="in place of these: every criterion alone (these also with "
                              "--integer), and act with every correction and combination of the "
                              "paper")
    made.flag("--integer", help="add the integer path of the hardware to each row")
    made.option("--formats", aliases=("--format",), kind=one_of("none", *QUANTIZED), many=True,
                default=("none",),
                help="number formats of tokens and weights; none computes as the model does")
    made.option("--selections", aliases=("--selection",), kind=one_of(*SELECTIONS), many=True,
                default=("before",),
                help="whether selection stands before or after quantisation to a format")
    made.option("--layers", kind=text("LAYER"), many=True,
                help="names of layers that become sparse, such as '*.mlp.*' (default all of the "
                     "language model)")
    made.option("--ignore", kind=text("LAYER"), many=True,
                help="names of layers that stay dense, such as '*.layers.0.*'")
    made.group("what is evaluated on")
    made.option("--text", kind=text("SOURCE"),
                help="a file, or a data set of Hugging Face as NAME[:CONFIGURATION[:SPLIT]] "
                     "(default held-out library source)")
    made.option("--count", aliases=("--windows",), kind=whole(1, 1 << 20), default=16,
                help="windows or sentences")
    made.option("--length", kind=whole(2, 1 << 20), default=256, help="tokens of a window")
    made.option("--tasks", kind=text(), many=True,
                help="also run these of lm-evaluation-harness, such as arc_easy")
    made.option("--task-folder", kind=file(),
                help="further definitions of tasks, in the harness's YAML")
    made.option("--limit", kind=whole(1, 1 << 20), help="documents of each task (default all)")
    made.group("statistics and training")
    made.option("--calibration-text", kind=text("SOURCE"),
                help="as --text (default library source that is not evaluated on)")
    made.option("--calibration", kind=whole(1, 1 << 20), default=128,
                help="windows or sentences of it")
    made.option("--epochs", kind=whole(1, 1 << 20), default=Training.epochs,
                help="of learned corrections")
    made.option("--rate", kind=number(0, 1, below=True), default=Training.rate,
                help="highest learning rate")
    return made


def methods(options: Arguments) -> tuple[list[Method], list[str]]:
    """Return what the command line asks for, each once, and what of it there is not, and why.

    Weights are pruned without corrections, and formats have patterns and corrections that do not go
    with them.
    """
    found, left_out = [], []
    for criterion, names, integer in _wanted(options):
        if criterion == "weight" and names:
            path = " int8" if integer else ""
            left_out.append(f"left out: {criterion} {'+'.join(names)}{path} (pruned weights take "
                            "no corrections)")
            continue
        plain = tuple(name for name in names if name not in FORMAT_CORRECTIONS)
        for pattern, (form, where) in itertools.product(options.patterns, _formats(options)):
            method = Method(pattern, criterion, plain, integer)
            try:
                found.append(replace(method, corrections=names, format=form, selection=where))
            except ValueError as lack:
                asked = pattern, criterion, "+".join(names), "int8" * integer, form, where
                left_out.append(f"left out: {' '.join(filter(None, asked))} ({lack})")
    if not found:
        _refuse_all(options, left_out)
    return list(dict.fromkeys(found)), list(dict.fromkeys(left_out))


def _wanted(options: Arguments) -> list[tuple[str, tuple[str, ...], bool]]:
    """Criteria, corrections, and whether it is the integer path."""
    paths = (False, True) if options.integer else (False,)
    if not options.paper:
        return list(itertools.product(options.criteria, split_names(options.corrections), paths))
    options.refuse("criteria", "corrections", where="with paper, which has its own")
    return [*((name, (), path) for name in (*CRITERIA, "weight") for path in paths),
            *(("act", names, False) for names in split_names(PAPER))]


def _formats(options: Arguments) -> list[tuple[str, str]]:
    """Formats, and where selection stands; without a format that makes no difference."""
    return list(dict.fromkeys((form, "before" if form == "none" else where) for form, where in
                              itertools.product(options.formats, options.selections)))


def _refuse_all(options: Arguments, left_out: list[str]) -> None:
    """Raise ValueError: nothing of what is asked for can be."""
    if all("pruned weights" in line for line in left_out):
        raise ValueError("corrections must be none where weights are pruned, not "
                         f"{' '.join(options.corrections)}")
    raise ValueError(left_out[0].partition("(")[2].removesuffix(")"))


def _evaluate(options: Arguments) -> None:
    wanted, left_out = methods(options)
    if not options.tasks:
        options.refuse("task_folder", "limit", where="without tasks")
    if set(options.formats) == {"none"}:
        options.refuse("selections", where="without a format")
    if not any(set(method.corrections) & set(TRAINED) for method in wanted):
        options.refuse("epochs", "rate", where="without a learned correction")
    if options.model == "minilm":
        options.refuse("length", where="with minilm, whose sentences have their own")
        options.refuse("tasks", where="with minilm, which is no causal model")
    check_writable(options.output, [f"results.{kind}" for kind in ("json", "csv", "md", "png")])
    from sw.evaluation.rows import evaluate
    evaluate(options, wanted, left_out)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(parser(), _evaluate, argv)


if __name__ == "__main__":
    main()
