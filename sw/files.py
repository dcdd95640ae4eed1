"""Files that are whole or not there, and checkpoints that say so when they are not."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch

from hw.command.interrupts import unfinished


__all__ = ["load", "save", "write"]


def write(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing, whatever other processes write there.

    Raises
    ------
    OSError
        If it cannot be written, as on a full disk; with its name.
    """
    try:
        with unfinished(path.with_name(f"{path.name}.{os.getpid()}.part")) as beside:
            beside.write_bytes(content if isinstance(content, bytes) else content.encode())
            os.replace(beside, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def save(path: Path, kind: str, state: dict[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values, whole or not at all."""
    buffer = BytesIO()
    torch.save({"kind": kind, **state}, buffer)
    write(path, buffer.getvalue())


def load(path: Path, kind: str, form: dict[str, Any]) -> dict[str, Any]:
    """Read a checkpoint of ``save``.

    Parameters
    ----------
    path : Path
        Of the file.
    kind : str
        As it was given to ``save``.
    form : dict
        What must be in it: a type for each name, or again such a dict; a list of one type for a
        list of any length; ``{str: ...}`` for any names.

    Raises
    ------
    ValueError
        If the file is damaged, or holds something else.
    OSError
        If there is no such file.
    """
    content = path.read_bytes()
    try:
        with ZipFile(BytesIO(content)) as parts:
            whole = parts.testzip() is None  # torch itself compares no sums
        state = torch.load(BytesIO(content), weights_only=True, map_location="cpu")
        if whole and _has(state, {"kind": str, **form}) and state["kind"] == kind:
            return state
    except Exception:  # damaged bytes may raise anything
        pass
    raise ValueError(f"{path} must be a checkpoint of {kind}, not a damaged or foreign file")


def _has(value: Any, form: Any) -> bool:
    """Whether a value is of a form of ``load``."""
    if isinstance(form, type):
        return isinstance(value, form)
    if isinstance(form, list):
        return isinstance(value, list) and all(_has(each, form[0]) for each in value)
    if not isinstance(value, dict):
        return False
    if str in form:
        return all(isinstance(name, str) and _has(each, form[str])
                   for name, each in value.items())
    return all(name in value and _has(value[name], each) for name, each in form.items())
