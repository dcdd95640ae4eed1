"""What long work has finished, a line at a time: it goes on after whatever ended it."""

import json
from pathlib import Path
from typing import Any

from hw.command.files import write_all


__all__ = ["Journal"]


class Journal:
    """A file of JSON lines, each added once what it tells is done.

    The first says what all others depend on. A line that was cut by the end of the process is
    none, and nothing that is known is ever written again. Only one process at a time may have it
    open: see :func:`hw.command.files.alone`.

    Parameters
    ----------
    path : Path
        The file, made with its directory if it is missing. It starts anew where what it depends on
        is another.
    identity : str
        Digest of what the lines depend on.

    Attributes
    ----------
    lines : list of dict
        What the file told when it was opened, and what was added since.

    Raises
    ------
    ValueError
        If the directory cannot be made or written.
    """

    def __init__(self, path: Path, identity: str):
        self.path, self.identity = path, identity
        held = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = _lines(held)
        if lines[:1] != [{"identity": identity}]:
            lines = [{"identity": identity}]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        if held != text:
            write_all(path.parent, {path.name: text})
        self.lines = lines[1:]

    def add(self, line: dict[str, Any]) -> None:
        """Add a line, and hand it to the system: the end of this process does not lose it.

        Raises
        ------
        OSError
            If it cannot be written, as on a full disk; with the name of the file.
        """
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(f"{json.dumps(line)}\n")
        except OSError as error:
            error.filename = str(self.path)
            raise
        self.lines.append(line)


def _lines(held: str) -> list[dict[str, Any]]:
    found = []
    for text in held.splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            break
    return found
