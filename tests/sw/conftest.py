"""What tests of ``sw`` share."""

import pytest
import torch


@pytest.fixture
def nothing_compiled():
    """Forget what was compiled: Dynamo counts models that are garbage, too, and gives up at eight.

    Garbage is collected after modules of tests alone.
    """
    torch.compiler.reset()
