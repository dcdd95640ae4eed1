"""The benchmark command, and that what it compares agrees where there are no ties."""

import pytest
import torch

from sw.benchmark import main, topk_mask
from sw.selection import nm_mask


def test_both_masks_agree_without_ties():
    x = torch.stack([torch.randperm(256, generator=torch.Generator().manual_seed(k))
                     for k in range(4)]).bfloat16()
    assert torch.equal(topk_mask(x, 8, 16), nm_mask(x, 8, 16))


def test_prints_both_times(capsys):
    main(["--size", "64", "--rounds", "1", "--patterns", "8:16"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("8:16")


def test_rejects(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--size", "65"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "python -m sw.benchmark: error: size must be a multiple of 4, not 65")
