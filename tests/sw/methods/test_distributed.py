"""Models that PyTorch spreads over processes: of one process, exact or refused by name."""

import pytest
import torch
from torch import distributed
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from sw.methods.sparsify import sparsify
from tests.sw.methods.tiny import causal, ids, logits


@pytest.fixture
def group():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def sharded(model):
    for layer in model.model.layers:
        fully_shard(layer)
    return fully_shard(model)


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("first", ["sparse", "parallel"])
def test_data_parallel_models_are_sparse_and_dense_again(first):
    model = causal("llama")
    dense = logits(model)
    with sparsify(model, "4:8", "wina"):
        expected = logits(model)
    wrapped = DistributedDataParallel(model) if first == "parallel" else model
    sparse = sparsify(wrapped, "4:8", "wina")
    wrapped = wrapped if first == "parallel" else DistributedDataParallel(model)
    assert torch.equal(logits(wrapped), expected)
    wrapped(input_ids=ids()).logits.sum().backward()
    sparse.remove()
    assert torch.equal(logits(wrapped), dense)


@pytest.mark.usefixtures("group")
def test_sharded_models_take_what_changes_inputs_and_refuse_what_needs_weights():
    model = causal("llama")
    with sparsify(model, "4:8", corrections=["var"]):
        expected = logits(model)
    dense = logits(sharded(model))
    with sparsify(model, "4:8", corrections=["var"]):
        assert torch.allclose(logits(model), expected, atol=1e-5)
    assert torch.equal(logits(model), dense)
    with pytest.raises(ValueError, match=r"^layers must be plain for wina, which needs their "
                                         r"weights, not model\.layers\.0\.self_attn\.q_proj"):
        sparsify(model, "4:8", "wina")
    assert torch.equal(logits(model), dense)


@pytest.mark.usefixtures("group")
def test_layers_that_were_sharded_while_sparse_are_not_taken_out_of_their_shards():
    model = causal("llama")
    sparse = sparsify(model, "4:8", "wina")
    expected = logits(model)
    sharded(model)
    assert torch.equal(logits(model), expected)
    with pytest.raises(ValueError, match=r"take pruning, parametrizations and sharding off first"):
        sparse.remove()
    assert torch.equal(logits(model), expected)
