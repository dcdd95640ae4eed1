"""Command lines: what is read, what is refused, and what the help says."""

import pytest

from hw.command.kinds import file, folder, number, one_of, text, whole
from hw.command.parser import Parser


@pytest.fixture
def parser():
    made = Parser("python -m x.y", "Does something.\n\nAnd more.")
    made.option("sentence", kind=text("TEXT"), help="sentences")
    made.option("--patterns", aliases=("--pattern",), kind=text("N:M"), many=True,
                default=("2:4", "4:8"), help="patterns")
    made.option("--variants", kind=text("NAME"), many=True, commas=False, help="variants")
    made.option("--count", aliases=("--windows",), kind=whole(1, 64), default=4, help="windows")
    made.option("--rate", kind=number(0, 1, below=True), default=0.5, help="rate, 100 % and less")
    made.option("-o", "--output", kind=folder(), default="build", help="directory")
    made.option("--learned", kind=file(), help="file")
    made.group("hardware")
    made.option("--selector", kind=one_of("rank", "radix"), default="rank", help="structure")
    made.flag("--statistics", help="sums")
    return made


def test_values_are_read_and_defaults_filled_in(parser):
    arguments = parser.parse_args(["--count", "7", "--statistics", "-o", "x"])
    assert (arguments.count, arguments.rate, arguments.selector) == (7, 0.5, "rank")
    assert (arguments.patterns, arguments.learned) == (["2:4", "4:8"], None)
    assert str(arguments.output) == "x"
    assert arguments.statistics
    assert set(arguments.given) == {"count", "statistics", "output"}


@pytest.mark.parametrize("words", [
    "--patterns 1:2 3:4 5:6", "--patterns 1:2,3:4,5:6", "--patterns 1:2, 3:4 --patterns 5:6",
    "--pattern 1:2 --patterns 3:4,5:6",
])
def test_several_values_by_space_or_comma_or_repeated_under_either_name(parser, words):
    if ", " in words:
        words = words.replace(", ", ",")
    assert parser.parse_args(words.split()).patterns == ["1:2", "3:4", "5:6"]


def test_two_dashes_can_be_a_value(parser):
    assert parser.parse_args(["--patterns=--", "3:4"]).patterns == ["--"]


def test_commas_can_belong_to_a_value(parser):
    assert parser.parse_args(["--variants", "a=1,b", "c"]).variants == ["a=1,b", "c"]


@pytest.mark.parametrize(("words", "message"), [
    (["--count", "x"], "count must be an integer from 1 to 64, not 'x'"),
    (["--count", "1.5"], "count must be an integer from 1 to 64, not 1.5"),
    (["--count", "1_6"], "count must be an integer from 1 to 64, not '1_6'"),
    (["--count", "\u0663"], "count must be an integer from 1 to 64, not '\u0663'"),
    (["--windows", "0"], "count must be an integer from 1 to 64, not 0"),
    (["--rate", "nan"], "rate must be a number above 0 and below 1, not nan"),
    (["--rate", "inf"], "rate must be a number above 0 and below 1, not inf"),
    (["--rate", "-1"], "rate must be a number above 0 and below 1, not -1"),
    (["--rate", "1"], "rate must be a number above 0 and below 1, not 1"),
    (["--selector", "best"], "selector must be one of rank, radix, not 'best'"),
    (["--output", ""], "output must be the name of a directory, not ''"),
    (["-o", " "], "output must be the name of a directory, not ' '"),
    (["--learned", ""], "learned must be the name of a file, not ''"),
    (["--patterns", "1:2,"], "patterns must be a text, not ''"),
    ([""], "sentence must be a text, not ''"),
    (["ok", " "], "sentence must be a text, not ' '"),
    (["--count", "1", "--count", "2"], "count must be given once, not twice: '1' and '2'"),
    (["--count", "1", "--windows", "2"], "count must be given once, not twice: '1' and '2'"),
    (["--count"], "count must have a value, not none"),
    (["--patterns"], "patterns must have a value, not none"),
    (["--statistics=1"], "statistics must stand without a value, not '1'"),
    (["--colour", "red"], "arguments must be those that --help lists, not '--colour'"),
    (["--coun", "3"], "arguments must be those that --help lists, not '--coun'"),
    # argparse takes "--" behind "=" for the end of the options.
    (["--count=--"], "count must be an integer from 1 to 64, not '--'"),
    (["--selector=--"], "selector must be one of rank, radix, not '--'"),
    # What would end the line, or hide it.
    (["--a\nb", "x"], r"arguments must be those that --help lists, not '--a\nb'"),
    (["--\x1e\u2028\x1b[8m"],
     r"arguments must be those that --help lists, not '--\x1e\u2028\x1b[8m'"),
])
def test_mistakes_are_one_sentence_with_name_range_and_value(parser, words, message, capsys):
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"python -m x.y: error: {message}"


def test_what_is_required_is_named(capsys):
    parser = Parser("python -m x.y", "")
    parser.option("--max-k", kind=whole(1, 9), required=True, help="k")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args([])
    assert caught.value.code == 2
    usage, last = capsys.readouterr().err.splitlines()
    assert usage == "usage: python -m x.y --max-k INT [options]"
    assert last == "python -m x.y: error: max_k must be given, not left out"


def test_options_without_effect_are_refused_by_name(parser):
    arguments = parser.parse_args(["--count", "4", "--patterns", "1:2", "3:4"])
    arguments.refuse("rate", "learned", where="here")
    for name, value in (("count", "'4'"), ("patterns", "'1:2 3:4'")):
        with pytest.raises(ValueError, match=f"^{name} must be left out here, not {value}$"):
            arguments.refuse("rate", name, where="here")


def test_help_has_ranges_defaults_and_groups_but_no_old_spellings(parser):
    lines = parser.format_help().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for part in ("--patterns N:M ... patterns (default 2:4 4:8)",
                 "--count INT windows (1 to 64; default 4)",
                 "rate, 100 % and less (above 0 and below 1; default 0.5)",
                 "hardware: --selector NAME structure (rank, radix; default rank)",
                 "-o, --output DIR directory (default build)"):
        assert part in text
    assert "--pattern " not in text
    assert "--windows" not in text
    assert "" in lines[lines.index("Does something."):lines.index("And more.")]
