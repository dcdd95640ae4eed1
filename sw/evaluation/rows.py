"""Rows of an evaluation: what ``python -m sw.evaluate`` does."""

from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from math import nan
from statistics import fmean
from typing import Any
from urllib.parse import quote

import torch

from hw.command.parser import Arguments
from hw.command.progress import doing, track
from sw.evaluation.learned import calibrate_subject
from sw.evaluation.metrics import snr_db
from sw.evaluation.results import Results
from sw.evaluation.subjects import Subject, load_subject, read_text
from sw.evaluation.tasks import Tasks
from sw.methods.experts import separated
from sw.methods.layers import find_layers
from sw.methods.method import Method
from sw.methods.names import FORMAT_CORRECTIONS, TRAINED
from sw.methods.observe import observe
from sw.methods.schedule import Training
from sw.methods.sparse_layer import SparseInput
from sw.methods.sparsify import layer_patterns, sparsify


__all__ = ["Evaluation", "evaluate"]


class Evaluation:
    """One subject, and all that its rows share.

    Parameters
    ----------
    subject : Subject
        Model and text.
    options : Arguments
        The command line.
    identity : dict
        What calibrations depend on besides method and training.
    tasks : Tasks, optional
        To run on each.
    """

    def __init__(self, subject: Subject, options: Arguments, identity: dict[str, Any],
                 tasks: Tasks | None = None):
        self.subject, self.options, self.identity, self.tasks = subject, options, identity, tasks
        self.statistics: dict[str, dict[str, torch.Tensor]] = {}

    def learned(self, method: Method) -> dict[str, dict[str, torch.Tensor]] | None:
        """Train the learned corrections of a method, unless that has been done."""
        if not set(method.corrections) & set(TRAINED):
            return None
        names = tuple(name for name in method.corrections if name not in FORMAT_CORRECTIONS)
        name = "-".join((_file_name(method.pattern), method.criterion, *names))
        path = self.options.output / "learned" / f"{name}.pt"
        floating = Method(method.pattern, method.criterion, names)
        return calibrate_subject(self.subject, floating, self.options.layers,
                                 self.options.ignore, self.statistics,
                                 Training(self.options.rate, self.options.epochs), path,
                                 self.identity, f"calibrating {name}")["learned"]

    @torch.no_grad()
    def layer_errors(self, sparse: dict[str, SparseInput]) -> dict[str, dict[str, float]]:
        """Return output SNR in dB and energy kept of every layer, on the dense model's inputs.

        Measured on the first batch.
        """
        found: dict[str, dict[str, float]] = {}

        def compare(name: str, inputs: Any, keywords: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):  # not of a layer that gives more than that
                x = (*inputs, *keywords.values())[0]
                # Without hooks: those of the dense layer, this one too, are the sparse one's.
                found[name] = {"snr_db": snr_db(output, sparse[name].forward(x)),
                               "energy_kept": sparse[name].energy_kept(x)}

        with separated(self.subject.model):
            dense = find_layers(self.subject.model, self.options.layers, self.options.ignore)
            handles = [dense[name].register_forward_hook(
                lambda module, *call, name=name: compare(name, *call), with_kwargs=True)
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
                          method.corrections, self.options.layers, ignore=self.options.ignore,
                          statistics=self.statistics, learned=learned, integer=method.integer,
                          format=method.format, selection=method.selection)
        with sparse:
            found = self.measure()
        coverage = sparse.coverage.as_dict()
        layers = self.layer_errors(sparse.layers)
        return {"pattern": method.pattern, "criterion": method.criterion,
                "corrections": "+".join(method.corrections), "integer": method.integer,
                "format": method.format, "selection": method.selection, **found,
                **{field: fmean(layer[key] for layer in layers.values()) if layers else nan
                   for field, key in (("layer_snr_db", "snr_db"), ("energy_kept", "energy_kept"))},
                "coverage": coverage, "layers": layers}


def _file_name(pattern: str) -> str:
    """A pattern, or those of layers, in the name of a file; another one for each."""
    name = quote(pattern.replace(":", "x"), safe="=+")
    return name if len(name) <= 100 else sha256(pattern.encode()).hexdigest()


def evaluate(options: Arguments, wanted: list[Method], left_out: Sequence[str] = ()) -> None:
    """Evaluate the methods, going on from the results that are there.

    ``left_out`` are lines about what was asked for and cannot be, for the results.
    """
    tasks = Tasks(options.tasks, options.task_folder, options.limit) if options.tasks else None
    text, calibration_text = (read_text(source) if source else None
                              for source in (options.text, options.calibration_text))
    with doing(f"loading {options.model}"):
        subject = load_subject(options.model, text, calibration_text, count=options.count,
                               length=options.length, calibration=options.calibration,
                               device=options.device)
    layers = find_layers(subject.model, options.layers, options.ignore)
    for pattern in dict.fromkeys(method.pattern for method in wanted):
        layer_patterns(pattern, layers)
    identity = {"model": options.model, "length": options.length,
                "calibration_text": str(options.calibration_text or "library")}
    results = Results(options.output, {
        **identity, "measure": subject.measure, "count": options.count, "layers": options.layers,
        **({"ignore": options.ignore} if options.ignore else {}),
        "text": str(options.text or "library"), "calibration": options.calibration,
        "epochs": options.epochs, "rate": options.rate, "tasks": options.tasks,
        "limit": options.limit,
        **({"task_folder": str(options.task_folder)} if options.task_folder else {}),
        "versions": {package: version(package) for package in ("torch", "transformers")}})
    missing = [method for method in wanted if not results.has(method)]
    evaluation = Evaluation(subject, options, identity, tasks)
    if not results.dense:
        with doing("evaluating the dense model"):
            results.save(dense=evaluation.measure())
    if missing:
        with doing("collecting statistics"):
            evaluation.statistics = observe(
                subject.model, subject.calibration, options.layers, ignore=options.ignore,
                covariance=any("larosa" in method.corrections for method in missing))
    for method in track(missing, "evaluating"):
        results.refresh()
        if not results.has(method):  # by another run into the same folder
            with doing(str(method)):
                results.save(evaluation.row(method))
    results.report(left_out)
