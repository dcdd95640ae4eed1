"""The register map and what is made from it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hw.config import Design, Pattern
from hw.fixed_point import Output
from hw.header import c_header, main, registers_page
from hw.registers import REGISTERS, Error, offset_of


ROOT = Path(__file__).parent.parent.parent


def test_page_of_the_docs_is_up_to_date():
    page = (ROOT / "docs" / "hw" / "registers.md").read_text()
    assert page == registers_page(), "run python -m hw.header"


def test_command_writes_the_page(tmp_path, capsys):
    main(["-o", str(tmp_path)])
    assert (tmp_path / "registers.md").read_text() == registers_page()
    assert capsys.readouterr().out.strip() == str(tmp_path / "registers.md")


def test_fields_fit_their_register_and_names_are_unique():
    names = [field.name for register in REGISTERS for field in register.fields]
    assert len(set(names)) == len(names)
    assert all(sum(field.width for field in register.fields) <= 32 for register in REGISTERS)


def test_a_c_program_sees_the_map(tmp_path):
    """The compiler takes the header, and every offset, mask and code arrives."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("c++")
    assert compiler, "the tests need a C compiler"
    header = c_header(Design(Pattern(8, 16)))
    names = re.findall(r"^#define (NM_\w+) [^\"]", header, re.M)
    (tmp_path / "nm_accelerator.h").write_text(header)
    prints = "".join(f'printf("{name} %lu\\n", (unsigned long)({name}));' for name in names)
    source = tmp_path / "main.c"
    source.write_text('#include <stdio.h>\n#include "nm_accelerator.h"\n'
                      f"int main(void) {{ {prints} return 0; }}\n")
    subprocess.run([compiler, "-Wall", "-Werror", source, "-o", tmp_path / "main"], check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    values = {name: int(value) for name, value in map(str.split, printed.stdout.splitlines())}
    assert (values["NM_N"], values["NM_M"]) == (8, 16)
    assert all(values[f"NM_{register.name}"] == register.offset for register in REGISTERS)
    assert all(values[f"NM_ERROR_{error.name}"] == error for error in Error)
    assert all(values[f"NM_OUTPUT_{output.name}"] == output for output in Output)
    assert values["NM_STATUS_ERROR_MASK"] == 0xFF << 2
    assert values["NM_STATUS_ERROR_LSB"] == 2


def test_unknown_register():
    with pytest.raises(ValueError, match=r"^register must be one of ID, .*, not 'NAME'$"):
        offset_of("NAME")
