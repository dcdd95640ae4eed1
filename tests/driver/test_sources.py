"""The driver in C: every compiler takes it without a word, and it needs nothing of a library."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hw.config import Design, Pattern
from hw.header import DRIVER_FUNCTIONS, c_header


DRIVER = Path(__file__).parent.parent.parent / "driver"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
DESIGNS = {
    "everything": Design(Pattern(2, 4), coefficients=3, shift="channel", statistics=True,
                         bus="axi4", address_width=64),
    "little": Design(Pattern(3, 7), columns=3, rows=2, epilogue_lanes=0, accumulator_width=29,
                     max_k=70, bus="axi4", bus_width=512),
    "decode": Design(Pattern(8, 16), bus="axi4", decode=True),
    "nvfp4": Design(Pattern(8, 16), format="bf16", quantize="nvfp4", weight_format="nvfp4",
                    accumulator="fp32", result_format="bf16", activation="gelu", bus="axi4"),
    "fp6": Design(Pattern(3, 7), format="fp6_e2m3", weight_format="fp6_e2m3", epilogue_lanes=0,
                  max_k=70, bus="axi4"),
}
COMPILERS = {
    "cc": ["-std=c99"],
    "c++": ["-x", "c++", "-std=c++11"],
    "riscv64-unknown-elf-gcc": ["-std=c99", "-ffreestanding"],
}


def tool(name):
    found = shutil.which(name)
    if not found:
        pytest.fail(f"{name} must be installed: the Debian packages are in .ci/run")
    return found


@pytest.fixture(params=DESIGNS)
def folder(request, tmp_path):
    """A folder with the header of a design."""
    (tmp_path / "nm_accelerator.h").write_text(c_header(DESIGNS[request.param]))
    return tmp_path


@pytest.mark.parametrize("compiler", [
    name if name in ("cc", "c++") else pytest.param(name, marks=pytest.mark.long)
    for name in COMPILERS])
def test_compilers_have_nothing_to_say(compiler, folder):
    library = folder / "driver.o"
    subprocess.run([tool(compiler), *COMPILERS[compiler], *WARNINGS, "-O2", f"-I{folder}", "-c",
                    DRIVER / "nm_driver.c", "-o", library], check=True)
    if compiler.startswith("riscv"):
        missing = subprocess.run([tool("riscv64-unknown-elf-nm"), "-u", library], check=True,
                                 capture_output=True, text=True).stdout
        assert not missing.strip()


@pytest.mark.long
@pytest.mark.parametrize("named", ['-DNM_HEADER="nm_accelerator.h"', '-DNM_HEADER="foo.h"'])
def test_cppcheck_has_nothing_to_say(named, folder):
    """But that there is a function which this program does not call, and headers of the system."""
    header = (folder / "nm_accelerator.h").read_text()
    assert "NM_ALIASES" not in header
    if "foo" in named:
        text = c_header(DESIGNS["everything"], "foo")
        assert "NM_ALIASES" in text
        (folder / "foo.h").write_text(text)
    done = subprocess.run([tool("cppcheck"), "--std=c99", "--enable=all", "--inconclusive",
                           "--quiet", "--error-exitcode=1", "--suppress=missingIncludeSystem",
                           "--suppress=unusedFunction", named, f"-I{folder}",
                           DRIVER / "nm_driver.c"],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_header_without_a_bus_is_refused(tmp_path):
    (tmp_path / "nm_accelerator.h").write_text(c_header(Design(Pattern(2, 4))))
    done = subprocess.run([tool("cc"), "-std=c99", "-fsyntax-only", f"-I{tmp_path}",
                           DRIVER / "nm_driver.c"], capture_output=True, text=True, check=False)
    assert done.returncode
    assert "nm_accelerator.h must be that of an accelerator with --bus axi4" in done.stderr


PART = """
#include "nm_driver.h"

#include "{other}.h"

PART uint32_t {name}_part(nm_port port);

uint32_t {name}_part(nm_port port)
{{
    nm_device device;

    return (nm_probe(&device, port) == NM_NO_ACCELERATOR) ? NM_M + 0u * {macro}_N : 0u;
}}
"""

WHOLE = """
#include "nm_driver.h"

uint32_t foo_part(nm_port port);
uint32_t Bar_2_part(nm_port port);

int main(void)
{
    uint32_t registers[256] = {0};
    nm_device device;

    return !((nm_probe(&device, nm_mapped(registers)) == NM_NO_ACCELERATOR)
             && (NM_M == 16) && (foo_part(nm_mapped(registers)) == 4u)
             && (Bar_2_part(nm_mapped(registers)) == 7u));
}
"""


def test_a_program_has_drivers_for_designs_of_several_names(tmp_path):
    """One file of it is C++; each sees the macros of another design beside those of its own."""
    designs = {"foo": DESIGNS["everything"], "Bar_2": DESIGNS["little"],
               "nm_accelerator": DESIGNS["decode"]}
    objects = []
    for name, design in designs.items():
        (tmp_path / f"{name}.h").write_text(c_header(design, name))
    for name, other, compiler in (("foo", "Bar_2", "cc"), ("Bar_2", "foo", "c++"),
                                  ("nm_accelerator", "foo", "cc")):
        part = tmp_path / f"{name}.c"
        named = "" if name == "nm_accelerator" else f'-DNM_HEADER="{name}.h"'
        part.write_text(PART.format(name=name, other=other, macro=other.upper()) if named
                        else WHOLE)
        for source in (part, DRIVER / "nm_driver.c"):
            objects.append(tmp_path / f"{name}_{source.stem}.o")
            linkage = 'extern"C"' if compiler == "c++" else ""
            subprocess.run([tool(compiler), *COMPILERS[compiler], *WARNINGS, *[named] * bool(named),
                            f"-DPART={linkage}", f"-I{tmp_path}", f"-I{DRIVER}", "-c", source,
                            "-o", objects[-1]], check=True)
    subprocess.run([tool("c++"), *objects, "-o", tmp_path / "program"], check=True)
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0


def test_one_file_is_for_one_accelerator(tmp_path):
    (tmp_path / "nm_accelerator.h").write_text(c_header(DESIGNS["decode"]))
    (tmp_path / "foo.h").write_text(c_header(DESIGNS["little"], "foo"))
    done = subprocess.run([tool("cc"), "-std=c99", "-fsyntax-only", f"-I{tmp_path}", f"-I{DRIVER}",
                           '-DNM_HEADER="foo.h"', "-include", "nm_accelerator.h",
                           DRIVER / "nm_driver.c"], capture_output=True, text=True, check=False)
    assert done.returncode
    assert "a file can be for one accelerator" in done.stderr


def test_every_function_has_a_name_of_its_own_in_a_header_with_a_name():
    text = (DRIVER / "nm_driver.h").read_text()
    declared = re.findall(r"^\w[^\n*/]*?\*?\b(nm_\w+)\(", text, flags=re.MULTILINE)
    assert sorted(declared) == sorted(DRIVER_FUNCTIONS)


def test_it_is_small():
    lines = [line for path in DRIVER.iterdir() for line in path.read_text().splitlines()]
    assert len(lines) < 600
    assert max(map(len, lines)) <= 100
