"""Operands of trained models as they are recorded for measurements of energy."""

from pathlib import Path

import numpy as np
import pytest

from sw.evaluation.operands import MODELS, record
from sw.operands import main


RECORDED = Path(__file__).parents[3] / "synth" / "energy" / "recorded"


def test_recordings_are_what_the_models_give(tmp_path, capsys):
    main(["-o", str(tmp_path)])
    assert capsys.readouterr().out.split() == [str(tmp_path / f"{name}.npz") for name in MODELS]
    for name in MODELS:
        with np.load(RECORDED / f"{name}.npz") as file, np.load(tmp_path / f"{name}.npz") as now:
            assert set(file) == set(now)
            for key in file:
                found, kept = now[key], file[key]
                assert found.dtype == np.int8
                assert abs(found.astype(int)).max() == 127
                # Another processor may round a few values the other way.
                distance = abs(found.astype(int) - kept)
                assert distance.max() <= 1, key
                assert (distance > 0).mean() < 0.01, key


def test_model_that_is_unknown_is_named():
    with pytest.raises(ValueError, match=r"^model must be one of minilm, decoder, not 'other'$"):
        record("other")


def test_output_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        main(["-o", str(tmp_path / "file")])
    assert "output must be a writable directory" in capsys.readouterr().err
