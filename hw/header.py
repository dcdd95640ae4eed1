"""The register map for people and for C: ``python -m hw.header`` writes its page of the docs."""

import re
from collections.abc import Iterator, Sequence

from hw import VERSION
from hw.command.files import write_all
from hw.command.kinds import folder
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import FLEXIBLE, Design
from hw.fixed_point import CHANNEL_BYTES, Output
from hw.formats import FORMAT_CODES
from hw.layouts import STREAMS, alignment, element_bytes, rounded, weight_scale_bit
from hw.registers import (
    BUS_REGISTERS,
    DECODE_REGISTERS,
    DESCRIPTOR_BYTES,
    DESCRIPTOR_TAG,
    FLOAT_REGISTERS,
    FUNCTION_CODES,
    ID,
    PAIR_REGISTERS,
    REGISTERS,
    TENSOR_REGISTERS,
    BusError,
    Error,
    Register,
    bus_registers,
    descriptor_registers,
    own_registers,
)


__all__ = ["DRIVER_FUNCTIONS", "c_header", "main", "registers_page"]

DRIVER_FUNCTIONS = (
    "nm_mapped", "nm_probe", "nm_configure", "nm_shape", "nm_act_size", "nm_weight_size",
    "nm_coef_size", "nm_token_size", "nm_channel_size", "nm_result_size", "nm_put_tokens",
    "nm_put_weights", "nm_put_weight_scales", "nm_put_coefficients", "nm_put_scales",
    "nm_put_terms", "nm_result", "nm_submit", "nm_poll", "nm_wait", "nm_cancel", "nm_text")
"""What ``driver/nm_driver.h`` declares."""


def c_header(design: Design, module: str = "nm_accelerator") -> str:
    """C and C++ header of an accelerator: its parameters, offsets, fields and codes.

    Macros begin with ``NM``, or with the name of the module where it is another than the default,
    so that one program can include the headers of two designs. Where there is a bus, the driver in
    C asks for them under the names of the default.
    """
    prefix = "NM" if module == "nm_accelerator" else module.upper()
    lines = [f"/* nmforge {VERSION}: registers of {module}, pattern {design.pattern}. */",
             f"#ifndef {module.upper()}_H", f"#define {module.upper()}_H"]
    bus = design.bus != "stream"
    registers = (*own_registers(*design.register_groups),
                 *(bus_registers(design.decode) if bus else ()))
    first = len(lines)
    for title, macros in (("Parameters.", _parameters(design)),
                          *((f"{register.name}.", _register(register)) for register in registers),
                          *_codes(design), *(_memory(design) if bus else ())):
        lines += ["", f"/* {title} */"]
        lines += [f"#define {prefix}_{name} {value}" for name, value in macros]
    if bus:
        lines += ["", "/* Errors, and what they say. */", *_texts(prefix), "",
                  "/* Words of a descriptor, and the first ones of addresses, by nm_job. */",
                  *_job_words(prefix, design), "",
                  "/* Types of a value of a token, and of a weight. */", *_types(prefix, design)]
    aliases = _aliases(lines[first:], module) if bus and prefix != "NM" else ()
    return "\n".join([*lines, "", "#endif", *aliases, ""])


def _aliases(lines: Sequence[str], module: str) -> Iterator[str]:
    """The macros that ``lines`` define by the names of the default, for ``driver/nm_driver.h``.

    They are indented: what begins a line is what the header defines for every program. Functions of
    the driver get names of their own for the linker, so that a program can have several drivers.
    """
    prefix = f"{module.upper()}_"
    yield from ("", "/* The same for driver/nm_driver.h, by the names that it knows. */",
                "#ifdef NM_ALIASES", "#  ifdef NM_M",
                "#    error a file can be for one accelerator: NM_HEADER or nm_accelerator.h",
                "#  endif")
    for line in lines:
        if line.startswith(f"#define {prefix}"):
            name = re.split(r"\W", line.removeprefix(f"#define {prefix}"), maxsplit=1)[0]
            yield f"#  define NM_{name} {prefix}{name}"
    for name in DRIVER_FUNCTIONS:
        yield f"#  define {name} {module}_{name}"
    yield "#endif"


def _parameters(design: Design) -> Iterator[tuple[str, str]]:
    yield "N", f"{design.pattern.n}"
    yield "M", f"{design.pattern.m}"
    for field in Design.parameters():
        value = getattr(design, field.name)
        yield field.name.upper(), f'"{value}"' if isinstance(value, str) else f"{int(value)}"


def _register(register: Register) -> Iterator[tuple[str, str]]:
    """Offset of a register, and place and mask of each of its fields."""
    yield register.name, f"0x{register.offset:03X}u"
    for field in register.fields:
        name, position = f"{register.name}_{field.name.upper()}", register.position(field.name)
        yield f"{name}_LSB", f"{position}u /* {field.access}: {field.meaning} */"
        yield f"{name}_MASK", f"0x{((1 << field.width) - 1) << position:08X}u"


def _codes(design: Design) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What registers may hold, by field."""
    yield "Value of ID.", [("ID_VALUE", f"0x{ID:08X}u")]
    yield "Codes of PATTERN.flexible.", [(f"FLEXIBLE_{name.upper()}", f"{code}u")
                                         for code, name in enumerate(FLEXIBLE)]
    if not design.number.integer:
        yield "Codes of formats in NUMBERS and WEIGHT_NUMBERS.", [
            (f"FORMAT_{name.upper()}", f"{code}u") for code, name in enumerate(FORMAT_CODES)]
        yield "Codes of NUMBERS.function.", [
            (f"FUNCTION_{name.upper()}", f"{code}u") for code, name in enumerate(FUNCTION_CODES)]
    yield "Codes of OUTPUT.output.", [(f"OUTPUT_{output.name}", f"{output.value}u")
                                      for output in Output]
    yield "Codes of STATUS.error.", [(f"ERROR_{error.name}",
                                      f"{error.value}u /* {error.meaning} */") for error in Error]


def _listed(name: str, entries: Sequence[str]) -> Iterator[str]:
    """A macro that hands each of the entries on to another one, X."""
    yield f"#define {name}(X) \\"
    yield from (f"    X({entry}) \\" for entry in entries[:-1])
    yield f"    X({entries[-1]})"


def _texts(prefix: str) -> Iterator[str]:
    """All errors as ``X(code, text)``, for programs that say them."""
    return _listed(f"{prefix}_ERRORS", [f'{prefix}_ERROR_{error.name}, "{error.meaning}"'
                                        for error in (*Error, *BusError)])


def _described(design: Design) -> tuple[Register, ...]:
    return descriptor_registers(design.decode, design.number.integer, design.tensor_scaled)


def _job_words(prefix: str, design: Design) -> Iterator[str]:
    """What the driver writes into a descriptor, but for what it makes itself."""
    names = [register.name for register in _described(design) if register.name != "DECODE_MODE"]
    for kind, chosen in (
            ("WORDS", [name for name in names if not name.endswith(("_LOW", "_HIGH"))]),
            ("ADDRESSES", [name for name in names if name.endswith("_LOW")])):
        yield from _listed(f"{prefix}_JOB_{kind}", [
            f"{prefix}_WORD_{name}, {name.removesuffix('_LOW').lower()}" for name in chosen])


def _types(prefix: str, design: Design) -> Iterator[str]:
    """How a program holds numbers."""
    kinds = ("uint16_t" if form.bits > 8 else "int8_t" for form in (design.number, design.weight))
    return _listed(f"{prefix}_TYPES", [", ".join(kinds)])


def _memory(design: Design) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What lies in memory, for a design that reads it there."""
    words = _described(design)
    yield "Codes of BUS_STATUS.bus_error, beside those of STATUS.error.", [
        (f"ERROR_{error.name}", f"{error.value}u /* {error.meaning} */") for error in BusError]
    yield "Codes of BUS_STATUS.stream.", [(f"STREAM_{name.upper()}", f"{code}u")
                                          for code, name in enumerate(STREAMS)]
    yield "Bytes of an element of each stream, and what its address is a multiple of.", [
        (f"{name.upper()}_{kind}", f"{values.get(name, default)}u")
        for kind, values, default in (("BYTES", element_bytes(design), 0),
                                      ("UNIT", alignment(design), 1)) for name in STREAMS]
    yield "Bits of a value of a token, a weight, a result.", [
        ("ACT_BITS", f"{design.number.bits}u"), ("WEIGHT_BITS", f"{design.weight.bits}u"),
        ("RESULT_BITS", f"{design.result_bits}u")]
    scale, shift, size = 16, 8, CHANNEL_BYTES
    if design.biases:
        scale, shift, size = design.term_bits - design.result_bits, 0, design.term_bits // 8
    yield "Terms of an output: bits of scale and shift, before the bias, and bytes of all.", [
        ("TERM_SCALE_BITS", f"{scale}u"), ("TERM_SHIFT_BITS", f"{shift}u"),
        ("TERM_BYTES", f"{size}u")]
    yield "Weights of a feature in an element, and its byte where scales begin, 0 without them.", [
        ("WEIGHT_RUN", f"{rounded(design.columns)}u"),
        ("WEIGHT_SCALES", f"{weight_scale_bit(design) // 8 if design.quantized else 0}u")]
    yield "Bits of an input channel's shift, which is behind the factors of the block.", [
        ("CHANNEL_SHIFT_BITS", f"{design.number.bits if design.shift == 'channel' else 0}u")]
    yield "Descriptor: its size, its first word, and the place of each register in it.", [
        ("DESCRIPTOR_SIZE", f"{DESCRIPTOR_BYTES}u"),
        ("DESCRIPTOR_WORDS", f"{len(words) + 1}u"),
        ("DESCRIPTOR_TAG", f"0x{DESCRIPTOR_TAG << 8:08X}u"),
        ("DESCRIPTOR_INTERRUPT", "1u"),
        *((f"WORD_{register.name}", f"{k}u") for k, register in enumerate(words, 1))]


def _rows(registers: Sequence[Register]) -> Iterator[str]:
    """A table of registers, a row for each field."""
    yield from ("| offset | register | bits | field | access | meaning |",
                "|---|---|---|---|---|---|")
    for register in registers:
        for field in register.fields:
            low = register.position(field.name)
            bits = f"{low + field.width - 1}:{low}" if field.width > 1 else f"{low}"
            yield (f"| 0x{register.offset:02X} | `{register.name}`{'*' * register.job} | "
                   f"{bits} | `{field.name}` | {field.access} | {field.meaning} |")


def registers_page() -> str:
    """Markdown of ``docs/hw/registers.md``."""
    lines = ["# Registers", "",
             "What does software write to run a job, and what can it read? These AXI4-Lite",
             "registers of 32 bits. `python -m hw.header` writes this page from `hw/registers.py`,",
             "from which the RTL, the manifest, the C header and the driver are made too.", "",
             "`rw` is kept until written again, `ro` is read only (writes are ignored), of `w1`",
             "a 1 acts once. Registers of the job (*) cannot be written while one is running: the",
             "write is answered with SLVERR (with OKAY while `CONTROL.answer_okay` is 1) and sets",
             "the error `BUSY`. An offset without a register is answered with SLVERR.", "",
             *_rows(REGISTERS), "", "## Errors", "",
             "The first error stays in `STATUS.error` until the next accepted start.", "",
             "| code | name | meaning |", "|---|---|---|",
             *(f"| {error.value} | `{error.name}` | {error.meaning} |" for error in Error), "",
             "## With floats", "",
             "A design that multiplies floats ([floats](floats.md)) also has these:", "",
             *_rows(FLOAT_REGISTERS), "",
             "Codes of formats: " + ", ".join(
                 f"{code} `{name}`" for code, name in enumerate(FORMAT_CODES)) + ".", "",
             "One with `--quantize nvfp4` has this one, too ([NVFP4](floats.md#nvfp4)):", "",
             *_rows(TENSOR_REGISTERS), "",
             "One whose weights have another format than what they multiply has this one",
             "([pairs](floats.md#weights-in-another-format)):", "",
             *_rows(PAIR_REGISTERS), "",
             "## With an AXI4 master", "",
             "`--bus axi4` adds these ([bus](bus.md)); `CONTROL` is then the hardware's own, and a",
             "write to it is refused.", "", *_rows(BUS_REGISTERS), "",
             "`--decode` adds these behind them ([decode](bus.md#decode)):", "",
             *_rows(DECODE_REGISTERS), "",
             "Codes of `BUS_STATUS.bus_error` are those above, and:", "",
             "| code | name | meaning |", "|---|---|---|",
             *(f"| {error.value} | `{error.name}` | {error.meaning} |" for error in BusError), "",
             "A descriptor has a word for each register of the job, behind one that marks it:",
             f"0x{DESCRIPTOR_TAG << 8:08X}, plus 1 where the end of the job sets `ended`.",
             f"There is one every {DESCRIPTOR_BYTES} bytes:", "",
             "| word | register |", "|---|---|",
             *(f"| {k} | `{register.name}` |"
               for k, register in enumerate(descriptor_registers(True), 1)), "",
             "The last one is there with `--decode` only. With floats, " + " and ".join(
                 f"`{register.name}`" for register in (*FLOAT_REGISTERS, *TENSOR_REGISTERS)
                 if register.job) + ", where",
             "they are, follow as the next words.", ""]
    return "\n".join(lines)


def _parser() -> Parser:
    parser = Parser("python -m hw.header", "Write the page of the register map.")
    parser.option("-o", "--output", kind=folder(), default="docs/hw",
                  help="directory for registers.md")
    return parser


def _write(arguments: Arguments) -> None:
    for path in write_all(arguments.output, {"registers.md": registers_page()}):
        print(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _write, argv)


if __name__ == "__main__":
    main()
