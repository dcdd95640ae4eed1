"""The benchmark command, and that what it compares agrees where there are no ties."""

import pytest
import torch

from sw.benchmark import main
from sw.evaluation.timing import topk_mask
from sw.exact.selection import nm_mask, unstructured_mask


def test_both_masks_agree_without_ties():
    x = torch.stack([torch.randperm(256, generator=torch.Generator().manual_seed(k))
                     for k in range(4)]).bfloat16()
    assert torch.equal(topk_mask(x, 8, 16), nm_mask(x, 8, 16))
    assert torch.equal(topk_mask(x, 76, 256), unstructured_mask(x, 76))


def test_prints_both_times(capsys):
    main(["--size", "64", "--rounds", "1", "--patterns", "8:16", "unstructured-70"])
    lines = capsys.readouterr().out.splitlines()[-2:]
    assert [line.split()[0] for line in lines] == ["8:16", "unstructured-70"]
    assert all(line.count(" ms") == 2 for line in lines)


def test_prints_the_times_of_a_layer_beside_it(capsys):
    main(["--size", "64", "--rounds", "1", "--patterns", "2:4", "--outputs", "32"])
    title, line = capsys.readouterr().out.splitlines()[-2:]
    assert title.endswith("shift+compress     product")
    assert line.count(" ms") == 4


@pytest.mark.parametrize(("arguments", "message"), [
    (["--size", "65"], "size must be a multiple of 4, not 65"),
    (["--rounds", "0"], "rounds must be an integer from 1 to 1000, not 0"),
    (["--outputs", "-1"], "outputs must be an integer from 0 to 65536, not -1"),
    (["--device", "cuda"], "device must be cpu where torch finds no GPU, not cuda"),
])
def test_rejects(capsys, monkeypatch, arguments, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sw.benchmark: error: {message}"
