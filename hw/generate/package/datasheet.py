"""The datasheet in Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from hw.config import Design
from hw.generate.package.area import Area
from hw.generate.package.description import Description
from hw.generate.package.litex import class_name
from hw.generate.package.schema import Schema


__all__ = ["datasheet"]


def datasheet(about: Description, files: Sequence[str], area: Area | None,
              schema: Schema | None) -> str:
    """Markdown of a design: figures, buses, ports, parameters, registers, memories, area, files.

    ``files`` are the ends of the names of the files beside it.
    """
    parts = (_head(about), _timing(about), _buses(about), _ports(about), _parameters(about),
             _registers(about), _errors(about), _memories(about), _area(area),
             _files(about, files, schema))
    return "\n".join(line for part in parts for line in part)


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table with an empty line behind it."""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _head(about: Description) -> Iterator[str]:
    yield f"# {about.top}"
    yield ""
    yield f"{about.title[:1].upper()}{about.title[1:]}, by nmforge {about.version}."
    yield ""
    yield f"![Ports of {about.top}]({about.top}.svg)"
    yield ""


_MEASURED = {
    "pe": ("the weights of a step to the accumulator with its sum", "step"),
    "array": ("the last step of a sum to its first row of results", "step"),
    "accelerator": ("the last step of a group of tokens to its first result, an accumulator",
                    "block of a token"),
}
"""Of designs whose inputs meet inside: what the latency lies between, what the interval is of."""


def _timing(about: Description) -> Iterator[str]:
    latency = about.content["latency_cycles"]
    interval = about.content["initiation_interval_cycles"]
    yield "## Latency and throughput"
    yield ""
    if not latency:
        yield f"Combinational: the output follows the input, within {about.clock_ns:.12g} ns by the"
        yield f"constraints in `{about.top}.sdc`."
    else:
        rate = 1000 / (about.clock_ns * interval)
        way, taken = _MEASURED.get(about.design, ("an input to the output that depends on it",
                                                  "input"))
        yield f"Latency {_cycles(latency)}, from {way}."
        yield f"One {taken} every {_cycles(interval)}: {rate:.4g} million a second at a period of"
        yield f"{about.clock_ns:.12g} ns, as in `{about.top}.sdc`."
    if about.design in ("array", "accelerator"):
        products = (about.parameters["rows"] * about.parameters["columns"]
                    * about.content["derived"]["lanes"])
        yield f"The array forms {products} products in a cycle,"
        yield f"{products / about.clock_ns:.4g} billion a second."
    yield ""


def _cycles(count: int) -> str:
    return f"{count} cycle{'s' * (count > 1)}"


def _buses(about: Description) -> Iterator[str]:
    if not about.interfaces:
        return
    yield "## Buses"
    yield ""
    yield from _table(("bus", "kind", "role", "bits of data", "bits of an address"), (
        (f"`{one.name}`", one.bus.title, one.role, one.data_width, one.address_width or "")
        for one in about.interfaces))


def _ports(about: Description) -> Iterator[str]:
    yield "## Ports"
    yield ""
    yield from _table(("port", "direction", "bits", "meaning"), (
        (f"`{port.name}`", port.direction, port.width, port.meaning) for port in about.ports))


def _parameters(about: Description) -> Iterator[str]:
    help = {described.name: described.metadata["help"] for described in Design.parameters()
            if about.design in described.metadata["designs"]}
    help = {"n": "values kept of each block", "m": "values in each block", **help}
    yield "## Parameters"
    yield ""
    yield from _table(("parameter", "value", "meaning"), (
        (f"`{name}`", value, help[name]) for name, value in about.parameters.items()
        if name in help))


def _registers(about: Description) -> Iterator[str]:
    if not about.control:
        return
    yield "## Registers"
    yield ""
    yield f"On `{about.control.name}`. `rw` is kept until written again, `ro` is read only, of"
    yield "`w1` a 1 acts once. Registers of the job (*) cannot be written while one is running."
    yield ""
    yield from _table(("offset", "register", "bits", "field", "access", "reset", "meaning"), (
        (f"0x{register.offset:02X}", f"`{register.name}`{'*' * register.job}",
         f"{field.msb}:{field.lsb}" if field.width > 1 else field.lsb, f"`{field.name}`",
         field.access, f"{field.reset:#x}", field.meaning)
        for register in about.registers for field in register.fields))


def _errors(about: Description) -> Iterator[str]:
    if not about.errors:
        return
    yield "## Errors"
    yield ""
    yield from _table(("code", "name", "meaning"), (
        (error["code"], f"`{name}`", error["meaning"]) for name, error in about.errors.items()))


def _memories(about: Description) -> Iterator[str]:
    memories = about.content["memories"]
    if not memories:
        return
    yield "## Memories"
    yield ""
    yield from _table(("module", "instances", "words", "bits"), (
        (f"`{one['module']}`", one["instances"], one["words"], one["bits"]) for one in memories))


def _area(area: Area | None) -> Iterator[str]:
    yield "## Area"
    yield ""
    if area is None:
        yield "No report of this configuration was given: `python -m synth.report` writes one, and"
        yield "`--area report.json` brings it here."
        yield ""
        return
    row, library = area.row, area.library
    unit = library["area_unit"]
    yield f"In the cells of {library['name']}, synthesised for {area.goal}; without wires."
    yield ""
    figures = [(f"logic, {unit}", f"{row['area']:,.0f}"),
               ("logic, gate equivalents", f"{row['gates']:,.0f}"),
               ("flip-flops", row["flip_flops"]), ("bits of memories", row["memory_bits"]),
               (f"longest path, {library['time_unit']}", f"{row['delay']:.4g}")]
    if row.get("memory"):
        figures.insert(2, (f"memories, {unit}", f"{row['memory']:,.0f}"))
    yield from _table(("figure", "value"), figures)
    modules = [(name, row["instances"].get(name, 0), one["area"])
               for name, one in row["modules"].items()]
    yield from _table(("module", "instances", f"each, {unit}", "share of the logic"), (
        (f"`{name}`", count, f"{each:,.1f}", f"{100 * count * each / row['area']:.1f} %")
        for name, count, each in sorted(modules, key=lambda one: -one[1] * one[2])))


_MEANINGS = {
    ".core": "FuseSoC: `fusesoc run --target lint {core}`, and other targets",
    ".xml": "IP-XACT component, IEEE 1685-2014; {validated}",
    ".rdl": "registers in SystemRDL 2.0",
    ".sdc": "timing constraints: clock, inputs, outputs",
    "_litex.py": "LiteX module `{class_name}`",
    "_interfaces.sv": "`{top}_interfaces`: the design behind SystemVerilog interfaces",
    "_template.sv": "instances to copy",
    "_bench.sv": "a bench for the simulator of the flow",
}


def _files(about: Description, files: Sequence[str], schema: Schema | None) -> Iterator[str]:
    validated = f"valid by the schema `{schema.name}`" if schema else \
        "not validated by the schema of the standard, for which `--schema index.xsd` asks"
    yield "## Files"
    yield ""
    yield from _table(("file", "for"), (
        (f"`{about.top}{end}`", meaning.format(
            top=about.top, core=f"nmforge:hw:{about.top}", validated=validated,
            class_name=class_name(about.top)))
        for end, meaning in _MEANINGS.items() if end in files))
