"""What tests of ``sw`` share."""

import os

import pytest
import torch


# Triton reads this when it is first imported: without a GPU, kernels run in its interpreter.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture
def nothing_compiled():
    """Forget what was compiled: Dynamo counts models that are garbage, too, and gives up at eight.

    Garbage is collected after modules of tests alone.
    """
    torch.compiler.reset()
