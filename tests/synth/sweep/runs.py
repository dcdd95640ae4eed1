"""Sweeps for tests: their files, and the command run in this process."""

import json

from synth.sweep.command import main


__all__ = ["sweep", "write"]


def write(folder, text):
    path = folder / f"space{len(list(folder.glob('*.toml')))}.toml"
    path.write_text(text)
    return path


def sweep(space, store, output, *words):
    """Run the command here; return its code and its rows."""
    code = 0
    try:
        main([str(space), "--store", str(store), "-o", str(output), *words])
    except SystemExit as end:
        code = end.code
    return code, json.loads((output / "rows.json").read_text())["rows"]
