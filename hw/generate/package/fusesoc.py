"""The core file of FuseSoC, CAPI2."""

from hw.generate.package.description import Description


__all__ = ["core"]


_FILESET = """\
  {name}:
    files: [{files}]
    file_type: {kind}
"""

_TARGETS = """
targets:
  default:
    filesets: [rtl, constraints]
    toplevel: {top}
  lint:
    description: "Verilator's lint, all warnings"
    flow: lint
    flow_options: {{tool: verilator, verilator_options: [-Wall]}}
    filesets: [waivers, rtl]
    toplevel: {top}
"""

_WRAPPER = """\
  interfaces:
    description: "lint of the wrapper with SystemVerilog interfaces, as the template connects it"
    flow: lint
    flow_options: {{tool: verilator}}
    filesets: [rtl, interfaces]
    toplevel: {top}_interfaces_template
"""

_SIMULATION = """\
  sim:
    description: "{checks}"
    flow: sim
    flow_options:
      tool: verilator
      mode: binary
      verilator_options: [--timing, --timescale 1ns/1ps, -CFLAGS -std=c++20]
    filesets: [rtl, bench]
    toplevel: {top}_bench
"""


def core(about: Description, checks: str) -> str:
    """YAML text; there is a target ``sim`` where ``checks`` says what a bench looks at."""
    top = about.top
    filesets = {"rtl": (f"{top}.v", "verilogSource-2005"), "waivers": (f"{top}.vlt", "vlt"),
                "constraints": (f"{top}.sdc", "SDC")}
    targets = [_TARGETS]
    if about.interfaces:
        filesets["interfaces"] = f"{top}_interfaces.sv, {top}_template.sv", "systemVerilogSource"
        targets.append(_WRAPPER)
    if checks:
        filesets["bench"] = f"{top}_bench.sv", "systemVerilogSource"
        targets.append(_SIMULATION)
    return "".join([
        "CAPI=2:\n", f'name: "nmforge:hw:{top}:{about.version}"\n',
        f'description: "{about.title}"\n\nfilesets:\n',
        *(_FILESET.format(name=name, files=files, kind=kind)
          for name, (files, kind) in filesets.items()),
        *(target.format(top=top, checks=checks) for target in targets)])
