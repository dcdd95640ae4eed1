"""The registers in SystemRDL 2.0."""

from collections.abc import Iterator

from hw.generate.package.description import BitField, Description, Register


__all__ = ["systemrdl"]


_ACCESS = {"rw": "sw = rw; hw = r;", "ro": "sw = r; hw = w;",
           "w1": "sw = w; hw = r; singlepulse;"}


def systemrdl(about: Description) -> str:
    """An address map ``<top>_registers``; errors are an enumeration."""
    lines = [f"// Registers of {about.top}, by nmforge {about.version}.", "",
             *_errors(about), f"addrmap {about.top}_registers {{",
             f"  name = {_text(about.top)};", f"  desc = {_text(about.title)};",
             "  default regwidth = 32;", "  lsb0;"]
    for register in about.registers:
        lines += _register(about, register)
    return "\n".join([*lines, "};", ""])


def _errors(about: Description) -> Iterator[str]:
    if not about.errors:
        return
    yield f"enum {_errors_name(about)} {{"
    for name, error in about.errors.items():
        yield f"  {name} = {error['code']} {{ desc = {_text(error['meaning'])}; }};"
    yield "};"
    yield ""


def _errors_name(about: Description) -> str:
    return f"{about.top}_error"


def _register(about: Description, register: Register) -> Iterator[str]:
    yield "  reg {"
    yield f"    name = {_text(register.name)};"
    if register.job:
        yield '    desc = "Describes a job: writes while one is running are refused.";'
    for field in register.fields:
        yield f"    field {{ {_properties(about, field)} }} {_place(field)};"
    yield f"  }} {register.name} @ {register.offset:#x};"


def _properties(about: Description, field: BitField) -> str:
    access = "sw = r; hw = na;" if field.constant else _ACCESS[field.access]
    encoded = f" encode = {_errors_name(about)};" if field.error else ""
    return f"desc = {_text(field.meaning)}; {access}{encoded}"


def _place(field: BitField) -> str:
    return f"{field.name}[{field.msb}:{field.lsb}] = {field.width}'h{field.reset:X}"


def _text(text: str) -> str:
    """A string in SystemRDL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
