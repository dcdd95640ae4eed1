"""The register map and what is made from it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hw.config import FLEXIBLE, Design, Pattern
from hw.fixed_point import Output
from hw.header import c_header, main, registers_page
from hw.registers import EVERY_REGISTER, ID, REGISTERS, BusError, Error, offset_of


ROOT = Path(__file__).parent.parent.parent


def test_page_of_the_docs_is_up_to_date():
    page = (ROOT / "docs" / "hw" / "registers.md").read_text()
    assert page == registers_page(), "run python -m hw.header"


def test_command_writes_the_page(tmp_path, capsys):
    main(["-o", str(tmp_path)])
    assert (tmp_path / "registers.md").read_text() == registers_page()
    assert capsys.readouterr().out.strip() == str(tmp_path / "registers.md")


def test_fields_fit_their_register_and_names_are_unique():
    registers = EVERY_REGISTER
    names = [field.name for register in registers for field in register.fields]
    assert len(set(names)) == len(names)
    assert all(sum(field.width for field in register.fields) <= 32 for register in registers)
    assert not {int(error) for error in Error} & {int(error) for error in BusError}


@pytest.mark.parametrize("language", [("c", "-std=c99"), ("c++", "-std=c++11")])
def test_a_program_sees_the_maps_of_two_designs(language, tmp_path):
    """The compiler takes both headers, and every offset, mask and code arrives."""
    compiler = shutil.which("c++" if language[0] == "c++" else "cc") or shutil.which("c++")
    assert compiler, "the tests need a C++ compiler"
    designs = {"nm_accelerator": ("NM", Design(Pattern(8, 16))),
               "mine": ("MINE", Design(Pattern(2, 4), rows=2, bus="axi4", bus_width=64,
                                       decode=True)),
               "float": ("FLOAT", Design(
                   Pattern(16, 32), format="bf16", quantize="mxfp4", weight_format="mxfp4",
                   accumulator="fp32", epilogue_lanes=0, result_format="bf16")),
               "tensor": ("TENSOR", Design(
                   Pattern(8, 16), format="bf16", quantize="nvfp4", weight_format="nvfp4",
                   accumulator="fp32", epilogue_lanes=0))}
    designs["pair"] = ("PAIR", Design(
        Pattern(4, 8), format="bf16", weight_format="int4", accumulator="fp32", bus="axi4",
        result_format="bf16"))
    prints = ""
    for module, (prefix, design) in designs.items():
        header = c_header(design, module)
        assert f"#ifndef {module.upper()}_H\n" in header
        assert set(re.findall(r"^#define (\w+?)_", header, re.M)) == {
            prefix, module.upper().partition("_")[0]}
        (tmp_path / f"{module}.h").write_text(header)
        for name in re.findall(rf"^#define ({prefix}_\w+) [^\"]", header, re.M):
            prints += f'printf("{name} %lu\\n", (unsigned long)({name}));'
    source = tmp_path / "main.c"
    includes = "".join(f'#include "{module}.h"\n' * 2 for module in designs)
    source.write_text(f"#include <stdio.h>\n{includes}int main(void) {{ {prints} return 0; }}\n")
    subprocess.run([compiler, "-x", *language, "-Wall", "-Wextra", "-pedantic", "-Werror", source,
                    "-o", tmp_path / "main"], check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    values = {name: int(value) for name, value in map(str.split, printed.stdout.splitlines())}
    assert (values["NM_N"], values["NM_M"], values["NM_ROWS"]) == (8, 16, 4)
    assert (values["MINE_N"], values["MINE_M"], values["MINE_ROWS"]) == (2, 4, 2)
    assert values["MINE_BUS_STATUS"] == offset_of("BUS_STATUS")
    assert "NM_BUS_STATUS" not in values
    assert values["MINE_DECODE_MODE_DECODE_MASK"] == values["MINE_DECODE"] == 1
    assert values["MINE_WORD_DECODE_MODE"] == values["MINE_DESCRIPTOR_WORDS"] - 1
    assert values["MINE_WORD_K_BLOCKS"] == 1
    assert values["MINE_WEIGHT_BYTES"] == 16
    assert "NM_NUMBERS" not in values
    assert values["FLOAT_NUMBERS"] == offset_of("NUMBERS")
    assert [values[f"FLOAT_FORMAT_{name}"] for name in ("INT8", "BF16", "MXFP4")] == [0, 2, 10]
    assert "FLOAT_TENSOR_SCALE" not in values
    assert values["TENSOR_TENSOR_SCALE"] == offset_of("TENSOR_SCALE")
    assert values["TENSOR_TENSOR_SCALE_GAIN_LSB"] == 16
    assert "TENSOR_WEIGHT_NUMBERS" not in values
    assert values["PAIR_WEIGHT_NUMBERS"] == offset_of("WEIGHT_NUMBERS")
    assert values["PAIR_FORMAT_INT4"] == 14
    assert [values[f"PAIR_TERM_{name}"] for name in ("SCALE_BITS", "SHIFT_BITS", "BYTES")] == [
        16, 0, 4]
    assert values["PAIR_CHANNEL_BYTES"] == 4 * values["PAIR_COLUMNS"]
    for prefix, _ in designs.values():
        assert values[f"{prefix}_ID_VALUE"] == ID == 0x4E4D4647
        assert all(values[f"{prefix}_{register.name}"] == register.offset
                   for register in REGISTERS)
        for names, codes in (("ERROR", Error), ("OUTPUT", Output)):
            assert all(values[f"{prefix}_{names}_{code.name}"] == code for code in codes)
        assert [values[f"{prefix}_FLEXIBLE_{name.upper()}"] for name in FLEXIBLE] == [0, 1, 2]
        assert values[f"{prefix}_STATUS_ERROR_LSB"] == 2
        width = next(field.width for register in REGISTERS for field in register.fields
                     if field.name == "error")
        assert values[f"{prefix}_STATUS_ERROR_MASK"] == ((1 << width) - 1) << 2


def test_unknown_register():
    with pytest.raises(ValueError, match=r"^register must be one of ID, .*, not 'NAME'$"):
        offset_of("NAME")
