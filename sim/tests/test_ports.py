"""Options of the ports, in simulation: reset, padded streams and packets of the results."""

import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import generator
from sim.vectors.tokens import random_tokens
from sim.verilated import Accelerator
from sim.verilated.pipeline import Pipeline
from sw.driver.linear import run_linear
from sw.driver.reference import ReferenceAccelerator


pytestmark = pytest.mark.usefixtures("wheel")

# Beats of 12 and 36 bytes, in 16 and 64; batches of 4 and 2 tokens, and tokens in chunks.
DESIGN = Design(Pattern(2, 4), rows=2, columns=3, tile=2, max_k=32, batch_tokens=4,
                reset="active_low", pad_streams=True, packets="job")


@pytest.mark.parametrize("stall", [0.0, 0.3])
@pytest.mark.parametrize(("tokens", "features", "outputs"), [(1, 4, 1), (10, 32, 7), (5, 70, 5)])
def test_accelerator_is_exact_with_all_of_them(tokens, features, outputs, stall):
    """The driver looks at every ``tlast``: one, on the last beat of the job."""
    rng = generator("ports", tokens)
    x, w = (torch.from_numpy(rng.integers(-128, 128, size, "int8"))
            for size in ((tokens, features), (outputs, features)))
    accelerator, reference = Accelerator(DESIGN, stall=stall), ReferenceAccelerator(DESIGN)
    for _ in range(2):
        got, _ = run_linear(accelerator, x, w)
        assert torch.equal(got, run_linear(reference, x, w)[0])


def test_compressor_is_exact_in_padded_streams():
    design = Design(Pattern(3, 7), max_k=70, reset="active_low", pad_streams=True)
    tokens = random_tokens(design, 40, generator("ports"))
    compressor = Pipeline("compressor", design)
    got, _ = compressor.run(tokens.dense, len(tokens.compressed.last), limit=10_000, stall=0.3)
    data = tokens.compressed.data
    assert (got.data[:, :data.shape[1]] == data).all()
    assert not got.data[:, data.shape[1]:].any()
    assert (got.user == tokens.compressed.user).all()
    assert (got.last == tokens.compressed.last).all()
