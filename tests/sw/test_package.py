"""The package by itself."""

import subprocess
import sys

import pytest

import sw


def test_import_needs_neither_amaranth_nor_torch():
    code = "import sys, sw; assert not {'amaranth', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reference_needs_no_amaranth():
    code = ("import sys; sys.modules['amaranth'] = None\n"
            "from sw import nm_mask, nm_prune, compress, decompress, nm_linear")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_exported_name_exists():
    assert all(getattr(sw, name) for name in sw.__all__)
    assert dir(sw) == sw.__all__
    with pytest.raises(AttributeError, match=r"^module 'sw' has no attribute 'missing'$"):
        _ = sw.missing
