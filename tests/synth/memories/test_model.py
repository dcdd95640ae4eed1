"""The fit: exact where the points lie on it, near the macros that come along elsewhere."""

import pytest

from synth.memories.model import fit
from synth.memories.table import SHIPPED, Macro, read


def made(words, bits, ports=1):
    return Macro(ports, words, bits, 500 + 3 * words + 40 * bits + 2.5 * words * bits, 1 + bits)


def test_figures_on_the_curve_are_found_again():
    models = fit([made(words, bits) for words in (64, 256, 1024) for bits in (8, 32)])
    area, read_pj = models[1].area, models[1].read
    assert area.coefficients == pytest.approx((500, 3, 40, 2.5))
    assert (area.mean, area.worst, area.points) == (pytest.approx(0), pytest.approx(0), 6)
    assert area(128, 16) == pytest.approx(made(128, 16).area)
    assert read_pj(512, 64) == pytest.approx(65, rel=0.01)
    assert models[1].write is None
    assert models[1].leakage is None
    assert (models[1].words, models[1].bits) == ((64, 1024), (8, 32))


def test_few_points_settle_few_terms():
    one = fit([made(64, 8)])[1].area
    assert one.coefficients[:3] == (0, 0, 0)
    assert one(64, 8) == pytest.approx(made(64, 8).area)
    assert sum(map(bool, fit([made(64, 8), made(128, 8)])[1].area.coefficients)) <= 2


@pytest.mark.parametrize(("name", "ports", "figure", "mean", "worst"), [
    ("sg13g2", 1, "area", 0.025, 0.10), ("sg13g2", 2, "area", 0.012, 0.02),
    ("sg13g2", 1, "read", 0.05, 0.12), ("sg13g2", 2, "read", 0.025, 0.06),
    ("sg13g2", 1, "write", 0.04, 0.11), ("sg13g2", 2, "write", 0.01, 0.012),
    ("sg13g2", 1, "leakage", 1e-5, 1e-5), ("sg13g2", 2, "leakage", 1e-5, 1e-5),
    ("sky130", 2, "area", 0.065, 0.16)])
def test_the_fit_is_near_the_macros_that_come_along(name, ports, figure, mean, worst):
    found = getattr(fit(read(SHIPPED[name]))[ports], figure)
    assert all(value >= 0 for value in found.coefficients)
    assert found.mean < mean
    assert found.worst < worst
