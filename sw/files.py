"""Files that are whole or not there, and checkpoints that say so when they are not."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from hw.command.interrupts import unfinished


__all__ = ["load", "save", "write"]


def write(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing, whatever other processes write there."""
    with unfinished(path.with_name(f"{path.name}.{os.getpid()}.part")) as beside:
        beside.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(beside, path)


def save(path: Path, kind: str, state: dict[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values, whole or not at all."""
    buffer = BytesIO()
    torch.save({"kind": kind, **state}, buffer)
    write(path, buffer.getvalue())


def load(path: Path, kind: str) -> dict[str, Any]:
    """Read a checkpoint of ``save``.

    Raises
    ------
    ValueError
        If the file is damaged, or holds something else.
    OSError
        If there is no such file.
    """
    content = path.read_bytes()
    try:
        state = torch.load(BytesIO(content), weights_only=True, map_location="cpu")
        if state["kind"] == kind:
            return state
    except Exception:  # damaged bytes may raise anything
        pass
    raise ValueError(f"{path} must be a checkpoint of {kind}, not a damaged or foreign file")
