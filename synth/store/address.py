"""Digests: of values, of the project's own sources, and the versions of packages."""

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any


__all__ = ["digest", "sources", "versions"]


ROOT = Path(__file__).parents[2]


def digest(*parts: Any) -> str:
    """SHA-256 of values that JSON can write; a text or bytes alone count as they are."""
    if len(parts) == 1 and isinstance(parts[0], (str, bytes)):
        alone = parts[0]
        return hashlib.sha256(alone.encode() if isinstance(alone, str) else alone).hexdigest()
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def sources(*places: str) -> str:
    """Digest of the project's Python files at or below ``places``, as in ``synth/flow``.

    Read once in the life of a process, as the sources themselves are.

    Raises
    ------
    ValueError
        If there is no Python file at one of them.
    """
    found = {}
    for place in places:
        path = ROOT / place
        files = [path] if path.is_file() else sorted(path.rglob("*.py"))
        if not files:
            raise ValueError(f"places must hold Python files, not {place!r}")
        found.update({file.relative_to(ROOT).as_posix(): digest(file.read_bytes())
                      for file in files})
    return digest(found)


@cache
def versions(*packages: str) -> dict[str, str]:
    """Versions of installed packages.

    Raises
    ------
    ModuleNotFoundError
        If one is not installed.
    """
    found = {}
    for package in packages:
        try:
            if find_spec(package.replace("-", "_")) is None:
                raise PackageNotFoundError(package)
            found[package] = version(package)
        except ModuleNotFoundError:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package) from None
    return found
