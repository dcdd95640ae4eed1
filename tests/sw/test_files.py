"""Checkpoints: what comes back, and what is damaged."""

import pytest
import torch

from sw.files import load, save


FORM = {"step": int, "names": [str], "terms": {str: torch.Tensor}}
STATE = {"step": 3, "names": ["a", "b"], "terms": {"x": torch.arange(1000)}, "more": None}


def test_what_is_written_comes_back(tmp_path):
    save(tmp_path / "x.pt", "kind", STATE)
    state = load(tmp_path / "x.pt", "kind", FORM)
    assert torch.equal(state["terms"]["x"], torch.arange(1000))
    assert (state["step"], state["names"], state["more"]) == (3, ["a", "b"], None)


def test_a_bit_that_changed_is_seen(tmp_path):
    """Also among the numbers of a tensor, which torch reads without a look at their sum."""
    path = tmp_path / "x.pt"
    save(path, "kind", STATE)
    content = bytearray(path.read_bytes())
    content[content.index(torch.arange(1000).numpy().tobytes()) + 80] ^= 1
    path.write_bytes(content)
    assert torch.load(path)["terms"]["x"].sum() != torch.arange(1000).sum()
    with pytest.raises(ValueError, match="must be a checkpoint of kind, not a damaged or foreign"):
        load(path, "kind", FORM)


@pytest.mark.parametrize("change", [
    {"step": 3.0}, {"names": "ab"}, {"names": [1]}, {"terms": {"x": 1}}, {"terms": {1: STATE}},
    {"terms": [torch.zeros(1)]}])
def test_values_of_another_form_are_refused(tmp_path, change):
    save(tmp_path / "x.pt", "kind", {**STATE, **change})
    with pytest.raises(ValueError, match="must be a checkpoint of kind, not a damaged or foreign"):
        load(tmp_path / "x.pt", "kind", FORM)
