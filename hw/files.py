"""Output files: complete or not there at all."""

import os
import tempfile
from pathlib import Path


__all__ = ["write_all"]


def write_all(directory: Path, contents: dict[str, str]) -> list[Path]:
    """Write text files into ``directory``, which is made if it is missing.

    Everything is written beside its place first and renamed only when all of it is complete, so
    that no partly written file is ever seen.

    Raises
    ------
    ValueError
        If the directory cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".nmforge-") as beside:
            for name, text in contents.items():
                (Path(beside) / name).write_text(text, encoding="utf-8", newline="\n")
            for name in contents:
                os.replace(Path(beside) / name, directory / name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"output must be a writable directory, not {str(directory)!r} "
                         f"({reason})") from error
    return [directory / name for name in contents]
