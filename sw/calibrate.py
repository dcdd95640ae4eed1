"""Train the learned corrections of a sparse model: ``python -m sw.calibrate``.

Block by block, see ``sw.methods.training``. A run that was interrupted goes on after the last block
that is in its file, and gives the same parameters as one that was not.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from hw.config import integer
from sw.evaluation.subjects import Subject, load_subject, read_text, split_names
from sw.files import load
from sw.methods.corrections import TRAINED
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.training import KIND, Learned, Training, calibrate, find_blocks


__all__ = ["calibrate_subject", "load_learned"]


def load_learned(path: Path | str) -> Learned:
    """Read what ``python -m sw.calibrate`` wrote, for ``sparsify(..., learned=)``.

    Raises
    ------
    ValueError
        If the file is damaged, or training was interrupted.
    OSError
        If there is no such file.
    """
    state = load(Path(path), KIND)
    if not state["complete"]:
        raise ValueError(f"{path} must be of a calibration that has ended, not one that was "
                         "interrupted: run it again to go on")
    return state["learned"]


def calibrate_subject(subject: Subject, method: Method, layers: Sequence[str] | None,
                      statistics: Mapping[str, Mapping[str, Tensor]], training: Training,
                      path: Path, identity: Mapping[str, Any], title: str) -> dict[str, Any]:
    """``calibrate`` on the calibration input of a subject, with a progress bar."""
    done = len(load(path, KIND)["error"]) if path.exists() else 0
    count = len(find_blocks(list(statistics)))
    steps = training.epochs * len(subject.calibration)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=count * steps, completed=done * steps)
        return calibrate(subject.model, subject.calibration, method, layers,
                         statistics=statistics, training=training, path=path, identity=identity,
                         advance=lambda: progress.advance(task))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m sw.calibrate", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", default="decoder", help="minilm, decoder, or name or folder of a causal model")
    add("--pattern", default="8:16", help="N:M or unstructured-P, default %(default)s")
    add("--criterion", default="act", help="act, clact, amber, wina, variance; default act")
    add("--corrections", default="ls+shift", help="combination such as var+ls+shift, with at "
        f"least one of {', '.join(TRAINED)}; default %(default)s")
    add("--layers", nargs="+", help="patterns of layer names, such as '*.mlp.*'; default all")
    add("--text", help="to train on: a file, or a data set of Hugging Face as "
        "NAME[:CONFIGURATION[:SPLIT]]; default library source")
    add("--windows", type=int, default=256, help="windows or sentences, default %(default)s")
    add("--length", type=int, default=256, help="tokens of a window, default %(default)s")
    add("--epochs", type=int, default=Training.epochs, help="default %(default)s")
    add("--rate", type=float, default=Training.rate, help="learning rate, default %(default)s")
    add("--seed", type=int, default=Training.seed, help="default %(default)s")
    add("--device", choices=["cpu", "cuda"], default="cpu", help="default %(default)s")
    add("-o", "--output", type=Path, required=True, help="file of the learned parameters")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        parser.error(str(error).splitlines()[0])


def run(options: argparse.Namespace) -> None:
    """Calibrate as the command line says, and print the error of every block."""
    for name in ("windows", "length", "epochs"):
        integer(name, getattr(options, name), 1, 1 << 20)
    if not 0 < options.rate < 1:
        raise ValueError(f"rate must be between 0 and 1, not {options.rate}")
    method = Method(options.pattern, options.criterion, split_names([options.corrections])[0])
    training = Training(options.rate, options.epochs, options.seed)
    text = read_text(options.text) if options.text else None
    subject = load_subject(options.model, calibration_text=text, count=1, length=options.length,
                           calibration=options.windows, seed=options.seed, device=options.device)
    statistics = observe(subject.model, subject.calibration, options.layers,
                         covariance="larosa" in method.corrections)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    identity = {"model": options.model, "text": str(options.text or "library"),
                "length": options.length}
    state = calibrate_subject(subject, method, options.layers, statistics, training,
                              options.output, identity, "calibrating")
    print(state["coverage"]["summary"])
    for name, (before, after) in state["error"].items():
        print(f"{name}: mean squared error {before:.6g} -> {after:.6g}")


if __name__ == "__main__":
    main()
