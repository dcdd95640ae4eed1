"""Text that any machine has: the source of Python's own standard library."""

import re
import sysconfig
from functools import cache
from hashlib import sha256
from pathlib import Path


__all__ = ["HELD_OUT", "sentences", "source"]


HELD_OUT = 20
"""One file in this many is kept away from training."""


@cache
def source(held_out: bool) -> str:
    """Return the files of the standard library, joined, in the order of their names.

    Which files are held out depends on their names alone, so a later version of Python keeps
    the split. Tests and installed packages are left out.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    texts = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if {"site-packages", "test", "tests", "idlelib", "lib2to3"} & set(name.split("/")):
            continue
        if (int(sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0) == held_out:
            texts.append(path.read_text(encoding="utf-8", errors="ignore"))
    return "\n".join(texts)


@cache
def _sentences(held_out: bool) -> tuple[str, ...]:
    found = re.findall(r'"""([A-Z][^"\n]{40,200}\.)(?:"""|\n)', source(held_out))
    return tuple(dict.fromkeys(found))


def sentences(held_out: bool) -> list[str]:
    """Return the distinct one-line sentences of documentation strings."""
    return list(_sentences(held_out))
