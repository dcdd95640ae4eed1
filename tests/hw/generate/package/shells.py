"""Designs of which only the ports are there, for tools that look no deeper."""

import json

from hw.generate.package import Packaging, package


_ADDRESS = {"id": 2, "addr": 40, "len": 8, "size": 3, "burst": 2, "lock": 1, "cache": 4, "prot": 3,
            "qos": 4, "valid": 1}
_MASTER = {
    "out": {**{f"{channel}{name}": width for channel in ("aw", "ar")
               for name, width in _ADDRESS.items()},
            "wdata": 128, "wstrb": 16, "wlast": 1, "wvalid": 1, "bready": 1, "rready": 1},
    "in": {"awready": 1, "wready": 1, "bid": 2, "bresp": 2, "bvalid": 1, "arready": 1, "rid": 2,
           "rdata": 128, "rresp": 2, "rlast": 1, "rvalid": 1},
}


def with_memory(project):
    """The manifest of ``mine`` with an AXI4 master besides, whose errors a register tells."""
    manifest = json.loads((project / "mine.json").read_text())
    manifest["ports"] += [
        {"name": f"m_axi_{name}", "direction": direction, "width": width, "meaning": "of AXI4"}
        for direction, signals in _MASTER.items() for name, width in signals.items()]
    error = {"name": "bus_error", "width": 8, "access": "ro", "meaning": "of the memory",
             "lsb": 0, "reset": 0, "constant": False}
    manifest["registers"].append({"name": "MEMORY", "offset": 0x100, "job": False,
                                  "fields": [error]})
    return manifest


def write(manifest, folder):
    """A package, and a module with the ports and nothing in it; return the name of the top."""
    top = manifest["top"]
    for name, text in package(manifest, Packaging(8.0)).items():
        (folder / name).write_text(text)
    (folder / f"{top}.v").write_text(shell(manifest, []))
    return top


def shell(manifest, body):
    """Verilog of a module with the ports of a manifest."""
    names = [port["name"] for port in manifest["ports"]]
    ports = [f"{port['direction']}put [{port['width'] - 1}:0] {port['name']};"
             if port["width"] > 1 else f"{port['direction']}put {port['name']};"
             for port in manifest["ports"]]
    return "\n".join([f"module {manifest['top']}({', '.join(names)});", *ports, *body,
                      "endmodule", ""])
