"""Names of what is generated: an identifier in Verilog, C and C++, and a keyword of none."""

import re
from pathlib import Path


__all__ = ["check_apart", "check_name", "module_name", "name_fields"]


_IDENTIFIER = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")
_LONGEST = 64
_DEFINED = {".v": re.compile(r"^module (\w+)", re.M), ".h": re.compile(r"^#define (\w+)", re.M)}
"""What a file defines for all files of a project: Verilog modules, a C header macros."""
_FIELD = re.compile(r"\\\S*\[\d+\]\S*")

_KEYWORDS = frozenset(re.findall(r"\w+", """
accept_on alias alignas alignof always always_comb always_ff always_latch and and_eq asm assert
assign assume auto automatic before begin bind bins binsof bit bitand bitor bool break buf bufif0
bufif1 byte case casex casez catch cell char char16_t char32_t char8_t chandle checker class
clocking cmos co_await co_return co_yield compl concept config const const_cast consteval constexpr
constinit constraint context continue cover covergroup coverpoint cross deassign decltype default
defparam delete design disable dist do double dynamic_cast edge else end endcase endchecker
endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage
endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually
expect explicit export extends extern false final first_match float for force foreach forever fork
forkjoin friend function generate genvar global goto highz0 highz1 if iff ifnone ignore_bins
illegal_bins implements implies import incdir include initial inline inout input inside instance
int integer interconnect interface intersect join join_any join_none large let liblist library
local localparam logic long longint macromodule matches medium modport module mutable namespace
nand negedge nettype new nexttime nmos noexcept nor noshowcancelled not not_eq notif0 notif1 null
nullptr operator or or_eq output package packed parameter pmos posedge primitive priority private
program property protected public pull0 pull1 pulldown pullup pulsestyle_ondetect
pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg register
reinterpret_cast reject_on release repeat requires restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence short shortint
shortreal showcancelled signed sizeof small soft solve specify specparam static static_assert
static_cast std strong strong0 strong1 struct super supply0 supply1 switch sync_accept_on
sync_reject_on table tagged task template this thread_local throughout throw time timeprecision
timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg true try type type_option typedef
typeid typename typeof union unique unique0 unsigned until until_with untyped use using uwire var
vectored virtual void volatile wait wait_order wand wchar_t weak weak0 weak1 while wildcard wire
with within wor xnor xor xor_eq
"""))
"""Keywords of SystemVerilog (IEEE 1800-2017), C23 and C++20."""


def check_name(name: str) -> str:
    """Return a name for a module, its files and its macros.

    Raises
    ------
    ValueError
        If it is no identifier of Verilog, C and C++ (two underscores together are the compiler's
        own in C++), is longer than 64 characters, or is a keyword.
    """
    if len(name) > _LONGEST or not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"name must be 1 to {_LONGEST} letters, digits and single underscores, "
                         f"with a letter first and no underscore last, not {name!r}")
    if name in _KEYWORDS:
        raise ValueError(f"name must be no keyword of Verilog, C or C++, not {name!r}")
    return name


def check_apart(module: str, code: str, folder: Path) -> None:
    """Raise ValueError if a design in ``folder`` has a module or macro of ``code``, in any case.

    Of designs ``x`` and ``x_memory_8x8`` one may have the other as a module; headers of ``x`` and
    ``X`` have the same macros, and some file systems do not tell their files apart.

    Parameters
    ----------
    module : str
        Name of the design, whose own files do not count: they are written anew.
    code : str
        Its Verilog and its C header, or a part of them.
    folder : Path
        Where other designs may be: files that have a manifest beside them.
    """
    for suffix, defined in _DEFINED.items():
        own = {name.lower() for name in defined.findall(code)}
        for manifest in sorted(folder.glob("*.json")):
            path = manifest.with_suffix(suffix)
            if manifest.stem == module or not path.is_file():
                continue
            found = defined.findall(path.read_text("utf-8", "replace"))
            if both := own.intersection(map(str.lower, found)):
                raise ValueError(f"name must be one that shares no module or macro with "
                                 f"{path.name} in {str(folder)!r}, not {module!r} (both have "
                                 f"{min(both)})")


def module_name(design: str, name: str | None) -> str:
    """Name of the top of a design: ``name``, or ``nm_<design>`` where none is given."""
    return f"nm_{design}" if name is None else check_name(name)


def name_fields(text: str) -> str:
    """RTLIL in which element 0 of ``values`` is called ``values.0``.

    Amaranth says ``values[0]``, which tools that know wires by their bits, as Yosys' mapping to
    look-up tables does, take for a bit of ``values``: they end with an error.
    """
    return _FIELD.sub(lambda name: name[0].replace("[", ".").replace("]", ""), text)
