"""Evaluate sparse activations: ``python -m sw.evaluate --model minilm -o build/evaluation``.

Writes results.json, results.csv, results.md and results.png. A run that was interrupted goes on
where it stopped: results that are in results.json are not computed again. Learned corrections are
trained first, as ``python -m sw.calibrate`` does it, and kept in the folder ``learned``.

Columns: loss is that over the dense model, in nats for each token (decoders) or 1 - cosine
(encoders); gain is by how much it is smaller than that of plain magnitude with the same pattern;
both with the standard error over windows or sentences, paired. layer_snr_db and energy_kept are
means over layers, on what the dense model gives them; each layer's are in results.json, and so is
what of the model was sparse in each row: layers_sparse and parameters_sparse are shares of it.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track

from hw.config import integer
from sw.calibrate import calibrate_subject
from sw.evaluation.metrics import snr_db
from sw.evaluation.results import Results
from sw.evaluation.subjects import Subject, load_subject, read_text, split_names
from sw.evaluation.tasks import Tasks
from sw.methods.corrections import TRAINED
from sw.methods.criteria import CRITERIA
from sw.methods.experts import separated
from sw.methods.layers import find_layers
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparse_layer import SparseInput
from sw.methods.sparsify import sparsify
from sw.methods.training import Training


PAPER = ("d-pts", "d-pts-mean", "d-pts+var", "s-pts", "l-pts", "shift", "ls", "ls+shift", "var",
         "var+ls+shift", "r-sparse", "smooth", "larosa")
"""Corrections of the paper, and their combinations."""


class Evaluation:
    """One subject, and all that its rows share.

    Parameters
    ----------
    subject : Subject
        Model and text.
    options : Namespace
        The command line.
    identity : dict
        What calibrations depend on besides method and training.
    tasks : Tasks, optional
        To run on each.
    """

    def __init__(self, subject: Subject, options: argparse.Namespace, identity: dict[str, Any],
                 tasks: Tasks | None = None):
        self.subject, self.options, self.identity, self.tasks = subject, options, identity, tasks
        self.statistics: dict[str, dict[str, torch.Tensor]] = {}

    def learned(self, method: Method) -> dict[str, dict[str, torch.Tensor]] | None:
        """Train the learned corrections of a method, unless that has been done."""
        if not set(method.corrections) & set(TRAINED):
            return None
        name = "-".join((method.pattern.replace(":", "x"), method.criterion, *method.corrections))
        path = self.options.output / "learned" / f"{name}.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        floating = Method(method.pattern, method.criterion, method.corrections)
        return calibrate_subject(self.subject, floating, self.options.layers, self.statistics,
                                 Training(self.options.rate, self.options.epochs), path,
                                 self.identity, f"calibrating {name}")["learned"]

    @torch.no_grad()
    def layer_errors(self, sparse: dict[str, SparseInput]) -> dict[str, dict[str, float]]:
        """Return output SNR in dB and energy kept of every layer, on the dense model's inputs.

        Measured on the first batch.
        """
        found: dict[str, dict[str, float]] = {}

        def compare(name: str, inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):  # not of a layer that gives more than that
                # Without hooks: those of the dense layer, this one too, are the sparse one's.
                found[name] = {"snr_db": snr_db(output, sparse[name].forward(inputs[0])),
                               "energy_kept": sparse[name].energy_kept(inputs[0])}

        with separated(self.subject.model):
            dense = find_layers(self.subject.model, self.options.layers)
            handles = [dense[name].register_forward_hook(
                lambda module, inputs, output, name=name: compare(name, inputs, output))
                for name in sparse]
            try:
                self.subject.model(**self.subject.batches[0])
            finally:
                for handle in handles:
                    handle.remove()
        return found

    def measure(self) -> dict[str, Any]:
        """Measure the model as it is now."""
        losses = self.subject.losses()
        found: dict[str, Any] = {"score": self.subject.score(losses), "losses": losses}
        if self.tasks:
            found["tasks"] = self.tasks.run(self.subject.model, self.subject.tokenizer)
        return found

    def row(self, method: Method) -> dict[str, Any]:
        """Return one row of results."""
        learned = self.learned(method)
        sparse = sparsify(self.subject.model, method.pattern, method.criterion,
                          method.corrections, self.options.layers, statistics=self.statistics,
                          learned=learned, integer=method.integer)
        with sparse:
            found = self.measure()
        coverage = sparse.coverage.as_dict()
        layers = self.layer_errors(sparse.layers)
        return {"pattern": method.pattern, "criterion": method.criterion,
                "corrections": "+".join(method.corrections), "integer": method.integer, **found,
                **{field: sum(layer[key] for layer in layers.values()) / len(layers)
                   for field, key in (("layer_snr_db", "snr_db"), ("energy_kept", "energy_kept"))},
                "coverage": coverage, "layers": layers}


def parse(arguments: list[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sw.evaluate", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", default="minilm", help="minilm, decoder, or name or folder of a causal model")
    add("--patterns", nargs="+", default=["2:4", "4:8", "8:16", "16:32"],
        help="N:M or unstructured-P, default the paper's four")
    add("--criteria", nargs="+", default=["act"],
        help="act, clact, amber, wina, variance; weight prunes weights; default act")
    add("--corrections", nargs="+", default=["none"],
        help="combinations such as d-pts+var; none is no correction (default)")
    add("--paper", action="store_true", help="in place of these: every criterion alone (these also "
        "with --integer), and act with every correction and combination of the paper")
    add("--layers", nargs="+", help="patterns of layer names, such as '*.mlp.*'; default all")
    add("--integer", action="store_true", help="add the integer path of the hardware to each row")
    add("--text", help="to evaluate on: a file, or a data set of Hugging Face as "
        "NAME[:CONFIGURATION[:SPLIT]]; default held-out library source")
    add("--count", type=int, default=16, help="windows or sentences, default %(default)s")
    add("--length", type=int, default=256, help="tokens of a window, default %(default)s")
    add("--tasks", nargs="+", help="also run these of lm-evaluation-harness, such as arc_easy")
    add("--task-folder", type=Path, help="further definitions of tasks, in the harness's YAML")
    add("--limit", type=int, help="documents of each task, default all")
    add("--calibration-text", help="the same for statistics and training, default library source "
        "that is not evaluated on")
    add("--calibration", type=int, default=128,
        help="windows or sentences of it, default %(default)s")
    add("--epochs", type=int, default=Training.epochs, help="of training, default %(default)s")
    add("--rate", type=float, default=Training.rate, help="of training, default %(default)s")
    add("--device", choices=["cpu", "cuda"], default="cpu", help="default %(default)s")
    add("-o", "--output", type=Path, required=True, help="folder of the results")
    return parser, parser.parse_args(arguments)


def methods(options: argparse.Namespace) -> list[Method]:
    """Return what the command line asks for, weights without corrections."""
    paths = (False, True) if options.integer else (False,)
    if options.paper:
        wanted = [*((name, (), path) for name in (*CRITERIA, "weight") for path in paths),
                  *(("act", names, False) for names in split_names(PAPER))]
    else:
        wanted = list(itertools.product(options.criteria, split_names(options.corrections), paths))
    return [Method(pattern, criterion, names, integral)
            for criterion, names, integral in wanted for pattern in options.patterns
            if criterion != "weight" or not (names or integral)]


def run(options: argparse.Namespace) -> None:
    """Evaluate, going on from the results that are there."""
    for name in ("count", "length", "calibration", "epochs"):
        integer(name, getattr(options, name), 1, 1 << 20)
    wanted = methods(options)
    tasks = None
    if options.tasks:
        if options.model == "minilm":
            raise ValueError("tasks must be of a causal model, not of minilm")
        tasks = Tasks(options.tasks, options.task_folder, options.limit)
    text, calibration_text = (read_text(source) if source else None
                              for source in (options.text, options.calibration_text))
    subject = load_subject(options.model, text, calibration_text, count=options.count,
                           length=options.length, calibration=options.calibration,
                           device=options.device)
    find_layers(subject.model, options.layers)
    identity = {"model": options.model, "length": options.length,
                "calibration_text": str(options.calibration_text or "library")}
    results = Results(options.output, {
        **identity, "measure": subject.measure, "count": options.count, "layers": options.layers,
        "text": str(options.text or "library"), "calibration": options.calibration,
        "epochs": options.epochs, "rate": options.rate, "tasks": options.tasks,
        "limit": options.limit})
    missing = [method for method in dict.fromkeys(wanted) if results.find(
        (method.pattern, method.criterion, "+".join(method.corrections), method.integer)) is None]
    evaluation = Evaluation(subject, options, identity, tasks)
    if not results.dense:
        results.dense = evaluation.measure()
        results.save()
    if missing:
        evaluation.statistics = observe(
            subject.model, subject.calibration, options.layers,
            covariance=any("larosa" in method.corrections for method in missing))
    for method in track(missing, "evaluating", console=Console(stderr=True)):
        results.save(evaluation.row(method))
    results.report()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser, options = parse(arguments)
    try:
        run(options)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        parser.error(str(error).splitlines()[0])


if __name__ == "__main__":
    main()
