"""Designs of which only the ports are there, for tools that look no deeper."""

import gc
import warnings
from dataclasses import replace
from functools import cache

from amaranth.hdl import UnusedElaboratable

from hw.config import Design, Pattern
from hw.generate.emit import Store
from hw.generate.manifest import describe, manifest
from hw.generate.package import Packaging, package
from hw.generate.tops import make_top


ACCELERATOR = Design(Pattern(1, 2), rows=1, columns=2, tile=1, batch_tokens=1, max_k=2)

@cache
def manifest_of(name, design, top):
    """The manifest of a design, which is asked and not built, with a memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        content = describe(name, top, make_top(name, design),
                           [Store(f"{top}_memory_4x50", 1, 4, 50)])
        gc.collect()
    return content


def with_memory():
    """The manifest of an accelerator behind an AXI4 master, called ``bus``."""
    return manifest_of("accelerator", replace(ACCELERATOR, bus="axi4"), "bus")


def write(content, folder):
    """Manifest, package, and a module with the ports and nothing in it; return its name."""
    top = content["top"]
    for name, text in package(content, Packaging(8.0)).items():
        (folder / name).write_text(text)
    (folder / f"{top}.json").write_text(manifest(content))
    (folder / f"{top}.v").write_text(shell(content, []))
    return top


def shell(content, body):
    """Verilog of a module with the ports of a manifest."""
    names = [port["name"] for port in content["ports"]]
    ports = [f"{port['direction']}put [{port['width'] - 1}:0] {port['name']};"
             if port["width"] > 1 else f"{port['direction']}put {port['name']};"
             for port in content["ports"]]
    return "\n".join([f"module {content['top']}({', '.join(names)});", *ports, *body,
                      "endmodule", ""])
