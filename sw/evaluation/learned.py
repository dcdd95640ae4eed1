"""Calibration on a subject of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from hw.command.files import alone
from hw.command.progress import doing
from sw.evaluation.subjects import Subject
from sw.files import load
from sw.methods.layers import matches
from sw.methods.method import Method, by_layer
from sw.methods.schedule import Training
from sw.methods.training import FORM, KIND, calibrate, find_blocks


__all__ = ["calibrate_subject"]


def calibrate_subject(subject: Subject, method: Method, layers: Sequence[str] | None,
                      ignore: Sequence[str] | None,
                      statistics: Mapping[str, Mapping[str, Tensor]], training: Training,
                      path: Path, identity: Mapping[str, Any], title: str) -> dict[str, Any]:
    """``calibrate`` on the calibration input of a subject, telling how far it is.

    One process at a time writes a file: others wait, and take what it has.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.with_name(f".{path.name}.lock"), f"writes {path.name}"):
        return _calibrate(subject, method, layers, ignore, statistics, training, path, identity,
                          title)


def _calibrate(subject: Subject, method: Method, layers: Sequence[str] | None,
               ignore: Sequence[str] | None, statistics: Mapping[str, Mapping[str, Tensor]],
               training: Training, path: Path, identity: Mapping[str, Any], title: str
               ) -> dict[str, Any]:
    done = len(load(path, KIND, FORM)["error"]) if path.exists() else 0
    keys = by_layer(method.pattern)
    count = len(find_blocks([name for name in statistics
                             if any(matches(name, key) for key in keys)]))
    steps = training.epochs * len(subject.calibration)
    with doing(title, (count - done) * steps) as task:
        return calibrate(subject.model, subject.calibration, method, layers,
                         ignore=ignore, statistics=statistics, training=training, path=path,
                         identity=identity, advance=task.advance)
