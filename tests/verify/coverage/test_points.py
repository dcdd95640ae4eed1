"""Verilator's coverage data as bits and lines."""

from verify.coverage.points import Bit, Counts, Line


PLACE = "TOP.nm_top.a__0241"
TOGGLES = (("__02416[3]:0->1", 2), ("__02416[3]:1->0", 1), ("value___05Flow:0->1", 0),
           ("value___05Flow:1->0", 4))


def record(**keys):
    return "C '" + "".join(f"\x01{key}\x02{value}" for key, value in keys.items()
                           if key != "count") + f"' {keys['count']}\n"


def written(tmp_path, place=PLACE, more=0):
    path = tmp_path / "coverage.dat"
    path.write_text("# SystemC::Coverage-3\n" + "".join(
        record(f="x.v", l=7, t="toggle", page="v_toggle/nm_part", o=name, h=place,
               count=count + more) for name, count in TOGGLES) + record(
        f="x.v", l=9, t="branch", page="v_branch/nm_part", o="if", h=place, count=5))
    return path


def test_names_are_those_of_the_verilog(tmp_path):
    counts = Counts()
    counts.add(written(tmp_path))
    both, down = Bit("nm_part", "$16", 3), Bit("nm_part", "value__low", 0)
    assert counts.bits == [both, down]
    assert counts.toggled(both)
    assert not counts.toggled(down)
    assert counts.lines == {Line("nm_part", 9, "if"): 5}
    assert counts.places == {"nm_part": {"nm_top.a$1"}}


def test_instances_and_runs_add_up(tmp_path):
    counts = Counts()
    counts.add(written(tmp_path))
    counts.add(written(tmp_path, place="TOP.nm_top.b", more=1))
    assert counts.rises == {Bit("nm_part", "$16", 3): 5, Bit("nm_part", "value__low", 0): 1}
    assert counts.places["nm_part"] == {"nm_top.a$1", "nm_top.b"}
