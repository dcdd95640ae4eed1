"""Names of tops, files and macros, and two designs in one project."""

import json
import re

import pytest

from hw.config import Design, Pattern
from hw.generate import generate, main
from hw.generate.names import check_name, module_name


SMALL = {"rows": 1, "columns": 1, "tile": 1, "max_k": 8, "batch_tokens": 2}


def modules(text):
    return set(re.findall(r"^module (\w+)\(", text, re.M))


def test_default_is_the_design():
    assert module_name("array", None) == "nm_array"
    assert module_name("array", "mine") == "mine"


@pytest.mark.parametrize("name", ["a", "nm_x2", "A_b_3", "x" * 64])
def test_names_that_all_languages_take(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "3x", "_x", "x_", "x__y", "x-y", "x.y", "../x", "é", "x y",
                                  "x" * 65])
def test_no_identifier_is_refused(name):
    with pytest.raises(ValueError, match=r"^name must be 1 to 64 letters, .*, not '"):
        check_name(name)


@pytest.mark.parametrize("name", ["module", "always_ff", "logic", "int", "class", "restrict",
                                  "constexpr", "uwire", "and"])
def test_keywords_are_refused(name):
    with pytest.raises(ValueError, match=f"^name must be no keyword of Verilog, C or C\\+\\+, not "
                                         f"'{name}'$"):
        check_name(name)


def test_two_designs_share_a_project(tmp_path):
    """No module, file or macro of one is of the other, though both are accelerators."""
    for name, pattern in (("first", Pattern(2, 4)), ("second", Pattern(1, 4))):
        paths = generate("accelerator", Design(pattern, **SMALL), tmp_path, module=name)
        assert [path.name for path in paths] == [f"{name}.{end}" for end in ("v", "json", "vlt",
                                                                           "h")]
        assert json.loads((tmp_path / f"{name}.json").read_text())["top"] == name
    texts, headers = ({name: (tmp_path / f"{name}.{end}").read_text()
                       for name in ("first", "second")} for end in ("v", "h"))
    assert all(re.match(rf"{name}(_\w+)?$", module)
               for name, text in texts.items() for module in modules(text))
    assert not modules(texts["first"]) & modules(texts["second"])
    macros = [set(re.findall(r"^#define (\w+)", text, re.M)) for text in headers.values()]
    assert not macros[0] & macros[1]
    assert all(macro.startswith("FIRST_") for macro in macros[0])


@pytest.mark.parametrize(("first", "second", "both"), [
    ("x", "X", "x"),
    ("x_memory_64x16", "x", "x_memory_64x16"),  # one is a module of the other
    ("x", "x_memory_64x16", "x_memory_64x16"),
])
def test_a_name_that_clashes_in_a_folder_is_refused(first, second, both, tmp_path):
    design = Design(Pattern(2, 4), coefficients=4, max_k=256)  # with a memory of 64 words
    generate("compressor", design, tmp_path, module=first)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=re.escape(
            f"name must be one that shares no module or macro with {first}.v in '{tmp_path}', "
            f"not '{second}' (both have {both})")):
        generate("compressor", design, tmp_path, module=second)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    generate("compressor", design, tmp_path, module="x_memory")  # as its name begins alike alone
    generate("compressor", design, tmp_path, module=first)  # in place of itself


def test_headers_that_clash_are_refused(tmp_path):
    """``NM`` stands before the macros of an accelerator without a name."""
    design = Design(Pattern(2, 4), **SMALL)
    generate("accelerator", design, str(tmp_path))  # a str is a path, too
    with pytest.raises(ValueError, match=r"no module or macro with nm_accelerator.h in .*, not "
                                         r"'nm_job' \(both have nm_job_pattern\)$"):
        generate("accelerator", design, tmp_path, module="nm_job")


def test_a_macro_is_no_module(tmp_path):
    """A header says ``NM_SELECTOR``, and a selector is the module ``nm_selector``."""
    design = Design(Pattern(2, 4), **SMALL)
    generate("selector", design.only("selector"), tmp_path)
    generate("accelerator", design, tmp_path)
    assert "#define NM_SELECTOR" in (tmp_path / "nm_accelerator.h").read_text()
    generate("selector", design.only("selector"), tmp_path)


def test_a_name_changes_names_alone(tmp_path):
    design = Design(Pattern(2, 4))
    generate("compressor", design, tmp_path)
    generate("compressor", design, tmp_path, module="mine")
    default, own = ((tmp_path / f"{name}.v").read_text() for name in ("nm_compressor", "mine"))
    assert default.replace("nm_compressor", "mine") == own


@pytest.mark.parametrize(("arguments", "message"), [
    (["--name", "module"], "name must be no keyword of Verilog, C or C++, not 'module'"),
    (["--name", ""], ("name must be 1 to 64 letters, digits and single underscores, with a letter "
                      "first and no underscore last, not ''")),
    *((["--timescale", scale], ("timescale must be a unit and a precision that is not coarser, "
                                "each of 1, 10 or 100 s, ms, us, ns, ps or fs, as in 1ns/1ps, "
                                f"not '{scale}'")) for scale in ("1ns", "1ps/1ns")),
    (["--reset", "low"], "reset must be one of active_high, active_low, not 'low'"),
    (["--design", "selector", "--reset", "active_low"],
     "reset must be active_high in a selector without a clock, not 'active_low'"),
    (["--design", "selector", "--pad-streams"],
     "pad_streams must be False in a selector without a clock, not True"),
    (["--design", "array", "--packets", "job"],
     "packets must be batch in design array, not 'job'"),
])
def test_what_cannot_be_is_one_sentence(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--n", "2", "--m", "4", *arguments, "-o", str(tmp_path / "out")])
    assert caught.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == f"python -m hw.generate: error: {message}"
    assert not (tmp_path / "out").exists()
