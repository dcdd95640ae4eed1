"""Files of a study: every one a function of what it holds."""

from collections.abc import Sequence
from dataclasses import replace

from synth.study import fpga
from synth.study.data import Study
from synth.study.designs import compare
from synth.study.tables import COLUMNS, as_csv


__all__ = ["KINDS", "compared", "contents", "names"]


KINDS = ("html", "json", "md", "csv", "png", "svg")
"""Kinds of files that can be written."""


def names(kinds: Sequence[str]) -> list[str]:
    """Files that are written for some kinds."""
    return [f"{name}.{kind}" for kind in kinds
            for name in (COLUMNS if kind == "csv" else ("study",))]


def compared(study: Study) -> Study:
    """The same study with what is compared made anew, so that it always fits the rows."""
    return replace(study, designs=compare(study.designs), fpga=fpga.compare(study.fpga))


def contents(study: Study, kinds: Sequence[str] = KINDS) -> dict[str, str | bytes]:
    """Files by name, of a study whose designs are compared.

    Raises
    ------
    ModuleNotFoundError
        If the package that a kind needs is not installed.
    """
    found: dict[str, str | bytes] = {}
    if "json" in kinds:
        found["study.json"] = study.as_json()
    if "csv" in kinds:
        found |= {f"{name}.csv": as_csv(name, getattr(study, name)) for name in COLUMNS}
    if "md" in kinds:
        from synth.study.markdown import markdown

        found["study.md"] = markdown(study)
    if "html" in kinds:
        from synth.study.html import page

        found["study.html"] = page(study)
    if drawn := [kind for kind in kinds if kind in ("png", "svg")]:
        from synth.study.figure import figure

        images = figure(study)
        found |= {f"study.{kind}": images[kind] for kind in drawn}
    return found
