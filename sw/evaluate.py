"""Evaluate sparse activations: ``python -m sw.evaluate --model minilm -o build/evaluation``.

Writes results.json, results.csv and results.png. A run that was interrupted goes on where it
stopped: results that are in results.json are not computed again.
"""

import argparse
import csv
import io
import itertools
import json
import os
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from hw.config import Pattern
from sw.metrics import energy_kept, snr_db
from sw.selection import nm_mask, unstructured_mask
from sw.sparse_layer import Method, SparseInputLinear, parse_pattern
from sw.sparsify import find_layers, observe, sparsify
from sw.subjects import Subject, load_subject, split_names


FIELDS = ("pattern", "criterion", "corrections", "integer", "score", "layer_snr_db", "energy_kept")


@torch.no_grad()
def layer_error(subject: Subject, method: Method, statistics: dict[str, Any],
                layers: list[str] | None) -> tuple[float, float]:
    """Return mean over layers of the output SNR in dB and of the energy kept, on dense inputs.

    Measured on the first batch: each layer gets what the dense model gives it.
    """
    errors, energies = [], []
    pattern = parse_pattern(method.pattern)

    def compare(name: str, layer: Any, inputs: Any, output: Any) -> None:
        sparse = SparseInputLinear(layer, method, statistics.get(name))
        errors.append(snr_db(output, sparse(inputs[0])))
        x = inputs[0]
        mask = (nm_mask(x, pattern.n, pattern.m) if isinstance(pattern, Pattern)
                else unstructured_mask(x, x.shape[-1] * (100 - pattern) // 100))
        energies.append(energy_kept(x, mask))

    handles = [layer.register_forward_hook(
        lambda module, inputs, output, name=name: compare(name, module, inputs, output))
        for name, layer in find_layers(subject.model, layers).items()]
    try:
        subject.model(**subject.batches[0])
    finally:
        for handle in handles:
            handle.remove()
    return sum(errors) / len(errors), sum(energies) / len(energies)


def evaluate(subject: Subject, method: Method, statistics: dict[str, Any],
             layers: list[str] | None) -> dict[str, Any]:
    """Return one row of results."""
    snr, energy = layer_error(subject, method, statistics, layers)
    with sparsify(subject.model, method.pattern, method.criterion, method.corrections, layers,
                  statistics=statistics, integer=method.integer):
        score = subject.score()
    return dict(zip(FIELDS, (method.pattern, method.criterion, "+".join(method.corrections),
                             method.integer, score, snr, energy), strict=True))


def write(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(beside, path)


def plot(rows: list[dict[str, Any]], dense: float, measure: str) -> bytes:
    """Return a PNG: the measure against the pattern, a line for each method."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    lines: dict[str, list[tuple[str, float]]] = {}
    for row in rows:
        parts = [row["criterion"], row["corrections"], "int8" if row["integer"] else ""]
        lines.setdefault(" ".join(filter(None, parts)), []).append((row["pattern"], row["score"]))
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.axhline(dense, color="black", linewidth=0.8, label="dense")
    axes.set(xlabel="pattern", ylabel=measure)
    axes.legend(fontsize=7)
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    pyplot.close(figure)
    return image.getvalue()


def report(folder: Path, header: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write table and plot, and print the table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(folder / "results.csv", text.getvalue())
    write(folder / "results.png", plot(rows, header["dense"], header["measure"]))
    table = Table(title=f"{header['model']}: {header['measure']}, dense {header['dense']:.4f}")
    for field in FIELDS:
        table.add_column(header["measure"] if field == "score" else field)
    for row in rows:
        table.add_row(*(f"{row[f]:.4f}" if isinstance(row[f], float) else str(row[f])
                        for f in FIELDS))
    Console(width=110).print(table)


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
    add("--layers", nargs="+", help="patterns of layer names, such as '*.mlp.*'; default all")
    add("--integer", action="store_true", help="add the integer path of the hardware to each row")
    add("--text", type=Path, help="file to evaluate on, default held-out library source")
    add("--count", type=int, default=16, help="windows or sentences, default %(default)s")
    add("-o", "--output", type=Path, required=True, help="folder of the results")
    return parser, parser.parse_args(arguments)


def methods(options: argparse.Namespace) -> list[Method]:
    """Return what the command line asks for, weights without corrections."""
    found = []
    for criterion, names, pattern, integer in itertools.product(
            options.criteria, split_names(options.corrections), options.patterns,
            (False, True) if options.integer else (False,)):
        if criterion != "weight" or not (names or integer):
            found.append(Method(pattern, criterion, names, integer))
    return found


def run(options: argparse.Namespace) -> None:
    """Evaluate, going on from the results that are there."""
    wanted = methods(options)
    text = options.text.read_text(encoding="utf-8") if options.text else None
    options.output.mkdir(parents=True, exist_ok=True)
    subject = load_subject(options.model, text, count=options.count)
    header = {"model": options.model, "measure": subject.measure, "count": options.count,
              "text": str(options.text or "library"), "layers": options.layers,
              "dense": subject.score()}
    path = options.output / "results.json"
    rows: list[dict[str, Any]] = []
    if path.exists():
        try:
            held = json.loads(path.read_text())
            rows = held.pop("rows")
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path} must hold results of this command, not something else") \
                from None
        if held != header:
            raise ValueError(f"{path} must be of the same model and text, not of {held}")
    needed = {name for method in wanted for name in method.corrections}
    statistics = observe(subject.model, subject.calibration, options.layers,
                         covariance="larosa" in needed)
    done = {tuple(row[field] for field in FIELDS[:4]) for row in rows}
    for method in track(wanted, "evaluating", console=Console(stderr=True)):
        key = (method.pattern, method.criterion, "+".join(method.corrections), method.integer)
        if key not in done:
            rows.append(evaluate(subject, method, statistics, options.layers))
            write(path, json.dumps({**header, "rows": rows}, indent=1) + "\n")
    report(options.output, header, rows)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser, options = parse(arguments)
    try:
        if options.count < 1:
            raise ValueError(f"count must be an integer from 1, not {options.count}")
        run(options)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        parser.error(str(error).splitlines()[0])


if __name__ == "__main__":
    main()
