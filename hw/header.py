"""The register map for people and for C: ``python -m hw.header`` writes its page of the docs."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from hw import VERSION
from hw.command.files import write_all
from hw.config import Design
from hw.fixed_point import Output
from hw.registers import REGISTERS, Error


__all__ = ["c_header", "main", "registers_page"]


def c_header(design: Design) -> str:
    """C header of an accelerator: its parameters, offsets, fields and error codes."""
    lines = [f"/* nmforge {VERSION}: registers of nm_accelerator, pattern {design.pattern}. */",
             "#ifndef NM_ACCELERATOR_H", "#define NM_ACCELERATOR_H", "", "/* Parameters. */",
             *_parameters(design)]
    for register in REGISTERS:
        lines += ["", f"#define NM_{register.name} 0x{register.offset:03X}u"]
        for field in register.fields:
            name = f"NM_{register.name}_{field.name.upper()}"
            position = register.position(field.name)
            mask = ((1 << field.width) - 1) << position
            lines += [f"/* {field.name} ({field.access}): {field.meaning} */",
                      f"#define {name}_LSB {position}u", f"#define {name}_MASK 0x{mask:08X}u"]
    lines += ["", "/* Codes of OUTPUT.output. */",
              *(f"#define NM_OUTPUT_{output.name} {output.value}u" for output in Output),
              "", "/* Codes of STATUS.error. */",
              *(f"#define NM_ERROR_{error.name} {error.value}u /* {error.meaning} */"
                for error in Error),
              "", "#endif", ""]
    return "\n".join(lines)


def _parameters(design: Design) -> Iterator[str]:
    yield f"#define NM_N {design.pattern.n}"
    yield f"#define NM_M {design.pattern.m}"
    for field in Design.parameters():
        value = getattr(design, field.name)
        text = f'"{value}"' if isinstance(value, str) else f"{int(value)}"
        yield f"#define NM_{field.name.upper()} {text}"


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
             "| offset | register | bits | field | access | meaning |", "|---|---|---|---|---|---|"]
    for register in REGISTERS:
        for field in register.fields:
            low = register.position(field.name)
            bits = f"{low + field.width - 1}:{low}" if field.width > 1 else f"{low}"
            lines.append(f"| 0x{register.offset:02X} | `{register.name}`{'*' * register.job} | "
                         f"{bits} | `{field.name}` | {field.access} | {field.meaning} |")
    lines += ["", "## Errors", "",
              "The first error stays in `STATUS.error` until the next accepted start.", "",
              "| code | name | meaning |", "|---|---|---|",
              *(f"| {error.value} | `{error.name}` | {error.meaning} |" for error in Error), ""]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m hw.header",
                                     description="Write the page of the register map.")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/hw"), metavar="DIR",
                        help="directory for registers.md (default docs/hw)")
    arguments = parser.parse_args(argv)
    try:
        for path in write_all(arguments.output, {"registers.md": registers_page()}):
            print(path)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
