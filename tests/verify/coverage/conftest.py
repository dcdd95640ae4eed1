"""Fixtures of the benches, for what is measured with them."""

from sim.tests.conftest import wheel


__all__ = ["wheel"]
