"""The command line of the generator."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hw.config import DESIGNS, Design, Pattern
from hw.generate import generate, main
from tests.commands import refused, start


ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("pattern", ["1:4", "3:7", "8:8"])
def test_writes_verilog_and_a_manifest_that_agree(name, pattern, tmp_path):
    source, description, *further = generate(
        name, Design(Pattern.parse(pattern), rows=2, columns=3).only(name), tmp_path)
    manifest = json.loads(description.read_text())
    header = source.read_text().split(f"module nm_{name}(")[1].split(")")[0]
    ports = {port["name"] for port in manifest["ports"]}
    assert ports == {name.strip() for name in header.split(",")}
    assert manifest["top"] == f"nm_{name}"
    assert f"{manifest['parameters']['n']}:{manifest['parameters']['m']}" == pattern
    assert [path.name for path in further] == [
        f"nm_{name}.vlt", *["nm_accelerator.h"] * (name == "accelerator")]
    assert {path.name for path in tmp_path.iterdir()} == {
        f"nm_{name}.json", f"nm_{name}.v", *(path.name for path in further)}


def test_manifest_and_help_list_the_parameters_in_one_order(tmp_path, capsys):
    generate("selector", Design(Pattern(2, 4)), tmp_path)
    listed = list(json.loads((tmp_path / "nm_selector.json").read_text())["parameters"])
    with pytest.raises(SystemExit):
        main(["--help"])
    options = [name.replace("-", "_")
               for name in re.findall(r"^  --([\w-]+)", capsys.readouterr().out, re.M)]
    assert [name for name in options if name in listed] == listed


def test_default_is_an_accelerator_and_every_call_writes_the_same(tmp_path):
    """Under every hash seed, too."""
    for seed, directory in enumerate(("a", "b"), start=1):
        subprocess.run([sys.executable, "-W", "error", "-m", "hw.generate", "--pattern", "2:4",
                        "--rows", "1", "--columns", "1", "--tile", "1", "-o",
                        tmp_path / directory], cwd=ROOT, check=True, capture_output=True,
                       env={**os.environ, "PYTHONHASHSEED": str(seed)})
    for name in ("nm_accelerator.v", "nm_accelerator.json", "nm_accelerator.vlt",
                 "nm_accelerator.h"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    registers = json.loads((tmp_path / "a" / "nm_accelerator.json").read_text())["registers"]
    assert [register["offset"] for register in registers] == list(range(0, 4 * len(registers), 4))


@pytest.mark.parametrize(("arguments", "message"), [
    ("--n 17 --m 16", "n must be an integer from 1 to 16, not 17"),
    ("--n 0 --m 16", "n must be an integer from 1 to 16, not 0"),
    ("--n 8 --m 65", "m must be an integer from 2 to 64, not 65"),
    ("--n 8 --m x", "m must be an integer from 2 to 64, not 'x'"),
    ("--n 8 --m 16 --rows 0", "rows must be an integer from 1 to 64, not 0"),
    ("--n 8 --m 16 --design cpu", ("design must be one of selector, compressor, decompressor, pe, "
                                   "array, accelerator, not 'cpu'")),
    ("--n 8 --m 16 --selector best", ("selector must be one of rank, radix, network, serial, "
                                      "auto, not 'best'")),
    ("--n 8 --m 16 --stages 3", "stages must be 0 with the selector rank, not 3"),
    ("--n 8 --m 16 --unstructured", "unstructured must be False with flexible none, not True"),
    ("--n 8 --m 16 --flexible all --encoding index",
     "encoding must be bitmask with flexible all, not 'index'"),
    ("--n 8 --m 16 --design compressor --selector network --flexible n",
     "flexible must be one of none with the selector network, not 'n'"),
    ("--n 8 --m 16 --design compressor --selector radix --flexible all",
     "flexible must be one of none, n with the selector radix, not 'all'"),
    ("--n 6 --m 12 --design compressor --selector serial --flexible all",
     "m must be a power of two for flexible 'all', not 12"),
    ("--n 8 --m 16 --design compressor --selector serial --flexible all --encoding rank",
     "encoding must be bitmask with flexible all, not 'rank'"),
    ("--n 8 --m 16 --design compressor --selector radix --flexible n --complement",
     "complement must be False with flexible n, not True"),
    ("--n 8 --m 16 --design decompressor --flexible n",
     "flexible must be none in design decompressor, not 'n'"),
    ("--n 8 --m 16 --max-k 200000", ("max_k must be from 1 to 131071, which an accumulator_width "
                                     "of 32 bits covers, not 200000")),
])
def test_bad_input_is_one_sentence_and_writes_nothing(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*arguments.split(), "-o", str(tmp_path / "out")])
    assert caught.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == f"python -m hw.generate: error: {message}"
    assert not (tmp_path / "out").exists()


def test_output_that_is_no_directory(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("kept")
    with pytest.raises(SystemExit) as caught:
        main(["--n", "2", "--m", "4", "--design", "selector", "-o", str(file)])
    assert caught.value.code == 2
    assert "output must be a writable directory, not " in capsys.readouterr().err.splitlines()[-1]
    assert file.read_text() == "kept"


@pytest.mark.parametrize(("arguments", "message"), [
    ("--n 8 --m 16 --clock-ns 5", (
        "clock_ns must be left out without package or the selector auto, not '5'")),
    ("--n 8 --m 16 --throughput 1",
     "throughput must be left out without the selector auto, not '1'"),
    ("--n 8 --m 16 --selector auto --clock-ns nan",
     "clock_ns must be a number of ns above 0, not nan"),
    ("--n 2 --m 4 --design pe --rows 8", "rows must be 4 in design pe, not 8"),
    ("--n 2 --m 4 --design decompressor --selector radix",
     "selector must be rank in design decompressor, not 'radix'"),
    ("--n 2 --m 4 --design compressor --max-k 64 --shift scalar", (
        "max_k must be 4096 in a compressor without coefficients, statistics and a shift by "
        "channel or token, which holds no token, not 64")),
    ("--n 2 --m 4 --design decompressor --decode-stages 1", (
        "decode_stages must be 0 with encoding bitmask of 2:4, which has no rank to decode, "
        "not 1")),
    ("--n 4 --m 4 --selector radix --stages 2",
     "selector must be rank for the pattern 4:4, which keeps every value, not 'radix'"),
    ("--n 4 --m 4 --design pe --gather butterfly",
     "gather must be auto for the pattern 4:4, which keeps every value, not 'butterfly'"),
    ("--pattern 2:4 --n 2", "n must be left out with a pattern, not '2'"),
    ("--n 2", "m must be given, not left out"),
])
def test_what_would_have_no_effect_is_refused(arguments, message, tmp_path, capsys):
    last = refused(main, [*arguments.split(), "-o", tmp_path / "out"], capsys)
    assert last == f"python -m hw.generate: error: {message}"
    assert not (tmp_path / "out").exists()


def test_a_home_that_cannot_be_written_does_not_matter(tmp_path):
    (tmp_path / "home").write_text("")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = start(["hw.generate", "--pattern", "2:4", "--design", "selector", "-o",
                     tmp_path / "out"], HOME=str(tmp_path / "home"), XDG_CACHE_HOME="",
                    TMPDIR=str(temporary))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert len(out.splitlines()) == 3
    assert list(temporary.iterdir()) == []


def test_interrupted_generation_is_one_line_and_nothing_is_written(tmp_path):
    process = start(["hw.generate", "--n", "32", "--m", "64", "-o", tmp_path / "out"])
    try:
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert first.startswith("generating nm_accelerator 32:64, which takes a minute or two (")
    assert process.returncode == 130
    assert err.splitlines()[-1] == "python -m hw.generate: interrupted"
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
