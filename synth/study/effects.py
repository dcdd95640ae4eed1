"""Options of a study that change nothing of it: refused, not ignored."""

from hw.command.parser import Arguments


__all__ = ["MEASURED", "require_effect"]


MEASURED = {"area": ("selector", "pe", "array", "accelerator"), "energy": ("pe",),
            "accelerators": ("array", "accelerator"), "tokens": ("accelerator",)}
"""Parts, and the designs that they are measured of."""

MEASURING = ("parts", "designs", "formats", "selectors", "pipelines", "columns", "products",
             "max_k", "libraries", "goals", "targets", "store", "workers", "timeout", "patterns")
"""Options without effect where nothing is measured."""


def require_effect(arguments: Arguments) -> None:
    """Raise ValueError if an option that was given changes nothing, or a part has no design."""
    if getattr(arguments, "from"):
        arguments.refuse(*MEASURING, where="with from, which measures nothing")
        return
    parts = {part: set(names) & set(arguments.designs) for part, names in MEASURED.items()
             if part in arguments.parts}
    mapped = "area" in parts
    if "parts" in arguments.given:
        _require_designs(arguments, parts)
        if "tokens" in parts and not (mapped and "asic" in arguments.targets):
            raise ValueError("parts must hold area, of the target asic, with tokens, which are "
                             f"those of accelerators, not {arguments.given['parts']}")
    if "accelerator" not in arguments.designs:
        arguments.refuse("selectors", "columns", "products", "max_k",
                         where="without the design accelerator")
    if set(arguments.designs) == {"selector"}:
        arguments.refuse("pipelines", where="without a design that multiplies")
    if all(pattern.dense for pattern in arguments.patterns):
        arguments.refuse("selectors", "pipelines", where="for patterns that keep every value")
    if not mapped:
        arguments.refuse("formats", "targets", where="without the part area")
    if not (mapped and "asic" in arguments.targets) and not any(
            parts.get(part) for part in ("energy", "accelerators")):
        arguments.refuse("libraries", "goals", where="where nothing is mapped to cells")


def _require_designs(arguments: Arguments, parts: dict[str, set[str]]) -> None:
    for part, found in parts.items():
        if not found:
            raise ValueError(f"designs must hold {' or '.join(MEASURED[part])} with the part "
                             f"{part}, not only {' '.join(arguments.designs)}")
        if part == "accelerators" and found == {"accelerator"} and "area" not in parts:
            raise ValueError("parts must hold area with accelerators, which chooses those that "
                             f"are simulated, not {arguments.given['parts']}")
