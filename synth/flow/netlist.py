"""Takes a Verilog text apart into its modules, so that each is synthesised alone."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from synth.flow import yosys


__all__ = ["MEMORIES", "Module", "count_instances", "split"]


MEMORIES = re.compile(r"\w+_memory_\d+x\d+")
"""Names of modules that are memories: counted in bits, not mapped to flip-flops."""

_NUMBERED = re.compile(r'(?<![^\s"])\\?\$(?!paramod)[^\s"]*\$\d[^\s"]*')
_PORT = re.compile(r"  wire .*\b(?:input|output|inout) \d+ ")


@dataclass(frozen=True)
class Module:
    """A module of a design in RTLIL, before synthesis.

    Attributes
    ----------
    text : str
        The module, called ``module``, and the ports of its children, called ``child1`` and so
        on. The same module has the same text in every design.
    children : tuple of str
        Names of the modules that ``child1`` and so on stand for.
    instances : dict
        Number of instances of each child, by the child's name.
    memory_bits : int
        Bits of the memories declared in it.
    """

    text: str
    children: tuple[str, ...]
    instances: dict[str, int]
    memory_bits: int

    @property
    def aliases(self) -> dict[str, str]:
        """What each child is called in the text, and its name in the design."""
        return {f"child{k}": child for k, child in enumerate(self.children, start=1)}


def split(verilog: str, top: str, folder: Path, *, timeout: float) -> dict[str, Module]:
    """Modules of a design by name, ``top`` and what stands below it.

    Raises
    ------
    SynthesisError
        If Yosys does not accept the text, or has no module ``top`` in it.
    """
    (folder / "design.v").write_text(verilog)
    yosys.run(["read_verilog design.v", f"hierarchy -check -top {top}", "proc",
               "setattr -unset init w:*", "write_rtlil design.il"], folder, timeout=timeout)
    pieces: dict[str, list[str]] = {}
    for line in (folder / "design.il").read_text().splitlines():
        if line.startswith("module "):
            name = line.split()[1].removeprefix("\\")
            pieces[name] = []
        elif line.startswith("  ") and not line.lstrip().startswith("attribute "):
            pieces[name].append(line)
    return {name: _module(lines, pieces) for name, lines in pieces.items()}


def _module(lines: list[str], pieces: dict[str, list[str]]) -> Module:
    instances: Counter[str] = Counter()
    memory_bits = 0
    children: dict[str, str] = {}
    body = []
    for line in lines:
        words = line.split()
        child = words[1].removeprefix("\\") if words[0] == "cell" else ""
        if child in pieces:
            instances[child] += 1
            alias = children.setdefault(child, f"child{len(children) + 1}")
            line = f"  cell \\{alias} {words[2]}"
        elif words[0] == "memory":
            sizes = dict(zip(words[1:-1:2], map(int, words[2:-1:2]), strict=True))
            memory_bits += sizes.get("width", 1) * sizes.get("size", 0)
        body.append(line)
    # Yosys numbers names through the whole design: count again, module by module.
    numbers: dict[str, str] = {}
    text = _NUMBERED.sub(lambda match: numbers.setdefault(match[0], f"$n${len(numbers) + 1}"),
                         "\n".join(["module \\module", *body, "end", ""]))
    for child, alias in children.items():
        ports = [line for line in pieces[child] if _PORT.match(line)]
        text += "\n".join(["attribute \\blackbox 1", f"module \\{alias}", *ports, "end", ""])
    return Module(text, tuple(children), dict(instances), memory_bits)


def count_instances(top: str, modules: dict[str, Module]) -> dict[str, int]:
    """How often every module stands in ``top``, itself included. Memories are not looked into."""
    total: Counter[str] = Counter()

    def visit(name: str, count: int) -> None:
        total[name] += count
        if not MEMORIES.fullmatch(name):
            for child, number in modules[name].instances.items():
                visit(child, count * number)

    visit(top, 1)
    return dict(sorted(total.items()))
