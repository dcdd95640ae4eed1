"""Sparse layers in number formats: against quantised operands, one rule of correction each."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from hw.config import Pattern
from hw.formats import QUANTIZED, SELECTIONS
from sw import sparsify
from sw.exact.blocks import tensor_scale
from sw.exact.dot import dot
from sw.exact.quantizer import quantize_kept, quantized
from sw.exact.selection import nm_mask
from sw.methods.method import Method
from sw.methods.sparse_layer import SparseInputLinear


def made(method, features=96):
    """Inputs [5, K] and a layer, both with an outlier here and there."""
    random = torch.Generator().manual_seed(sum(map(ord, str(replace(method, corrections=())))))
    layer = nn.Linear(features, 6)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    x = torch.randn(5, features, generator=random) + 0.4
    x[:, ::17] *= 12
    return x, layer, SparseInputLinear(layer, method)


def scale_of(name, x):
    return tensor_scale(x) if name == "nvfp4" else 1.0


def inside(name, x, weight, selection, pattern):
    """What the quantised operands give, by the reference of the hardware."""
    x, weight = x.bfloat16(), weight.bfloat16()
    tokens = quantize_kept(x, name, pattern, selection, tensor=scale_of(name, x))
    weights = quantized(weight, name, tensor=scale_of(name, weight))
    if name == "int8":
        total = tokens.sparse() @ weights.dequantize().t()
        return total, tokens
    total = dot(tokens.operand, weights.operand, pattern.m, tokens.mask, guard=24)
    total = total * tokens.scale * weights.scale.t()
    return total * (scale_of(name, x) * scale_of(name, weight)), tokens


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("name", QUANTIZED)
def test_products_are_those_of_the_hardware(name, selection):
    x, layer, sparse = made(Method("8:16", format=name, selection=selection))
    with torch.no_grad():
        total, tokens = inside(name, x, layer.weight, selection, Pattern(8, 16))
        torch.testing.assert_close(sparse(x), total + layer.bias, rtol=1e-5, atol=1e-4)
        assert tokens.mask.sum() == x.numel() // 2
        float_result = SparseInputLinear(layer, Method("8:16"))(x)
        error = (sparse(x) - float_result).norm() / float_result.norm()
    assert 0 < error < (0.3 if "fp4" in name else 0.15)


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("name", ["int8", "mxfp8_e4m3", "nvfp4"])
def test_shift_and_variance_stand_around_the_format(name, selection):
    x, layer, sparse = made(Method("8:16", "act", ("d-pts", "var"), False, name, selection))
    with torch.no_grad():
        eta = x.median(-1, keepdim=True).values
        total, tokens = inside(name, x - eta, layer.weight, selection, Pattern(8, 16))
        z = (x - eta).bfloat16().float() if selection == "before" else tokens.dequantize()
        kept = torch.where(tokens.mask, z, 0)
        weight = layer.weight.bfloat16()
        rows = quantized(weight, name, tensor=scale_of(name, weight)).dequantize().sum(1)
        expected = total * (z.var(-1, keepdim=True) / kept.var(-1, keepdim=True)).sqrt()
        torch.testing.assert_close(sparse(x), expected + eta * rows + layer.bias,
                                   rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ["int8", "fp8_e4m3", "mxfp4", "nvfp4"])
def test_sharq_adds_what_is_dropped_in_scales_of_its_own(name):
    x, layer, sparse = made(Method("8:16", "act", ("sharq",), False, name))
    with torch.no_grad():
        half, weight = x.bfloat16(), layer.weight.bfloat16()
        mask = nm_mask(half, 8, 16)
        scale = scale_of(name, half)
        both = sum(quantized(half, name, keep, scale).dequantize() for keep in (mask, ~mask))
        weights = quantized(weight, name, tensor=scale_of(name, weight)).dequantize()
        torch.testing.assert_close(sparse(x), both @ weights.t() + layer.bias,
                                   rtol=1e-5, atol=1e-4)
        whole = quantized(half, name, tensor=scale).dequantize()
        if name in ("mxfp4", "nvfp4"):  # outliers do not stand in the blocks of others
            assert (both - half).norm() < 0.99 * (whole - half).norm()


def test_after_quantisation_elements_are_compared():
    """A value that rounds to the same element as a smaller one before it is not kept."""
    layer = nn.Linear(4, 1, bias=False)
    layer.weight.data.fill_(1.0)
    x = torch.tensor([[1.0, 1.1, 4.0, 0.1]])
    found = [SparseInputLinear(layer, Method("2:4", format="mxfp4", selection=where))(x).item()
             for where in SELECTIONS]
    assert found == [5.0, 5.0]
    x[0, 1] = 1.2  # rounds to 1.0; before quantisation it is kept for its own sake
    x[0, 0] = 0.9  # rounds to 1.0 too, and comes first
    masks = [quantize_kept(x.bfloat16(), "mxfp4", Pattern(2, 4), where).mask.tolist()
             for where in SELECTIONS]
    assert masks == [[[False, True, True, False]], [[True, False, True, False]]]


def test_weights_that_change_are_quantised_again():
    x, layer, sparse = made(Method("8:16", format="nvfp4"))
    with torch.no_grad():
        before = sparse(x) - layer.bias
        layer.weight *= 2
        torch.testing.assert_close(sparse(x) - layer.bias, 2 * before)


def test_sparsify_takes_formats():
    x, layer, sparse = made(Method("16:32", "wina", format="mxfp4", selection="after"))
    model = nn.Sequential(layer)
    with sparsify(model, "16:32", "wina", layers=["0"], format="mxfp4", selection="after"):
        assert model(x).equal(sparse(x))


@pytest.mark.parametrize(("arguments", "message"), [
    ({"format": "fp4_e2m1"},
     ("format must be one of none, bf16, fp16, int8, fp8_e4m3, fp8_e5m2, mxfp8_e4m3, mxfp8_e5m2, "
     "mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4, not 'fp4_e2m1'")),
    ({"format": "mxfp4", "selection": "during"},
     "selection must be one of before, after, not 'during'"),
    ({"selection": "after"}, "selection must be before without a format, not 'after'"),
    ({"corrections": ("sharq",)},
     ("format must be one of bf16, fp16, int8, fp8_e4m3, fp8_e5m2, mxfp8_e4m3, mxfp8_e5m2, "
     "mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4 with sharq, not 'none'")),
    ({"format": "mxfp4", "selection": "after", "corrections": ("sharq",)},
     "selection must be before with sharq, not 'after'"),
    ({"format": "mxfp4", "corrections": ("sharq", "var")},
     "corrections must not have var with sharq, which drops nothing"),
    ({"format": "mxfp4", "criterion": "weight"},
     "format must be none where weights are pruned, not 'mxfp4'"),
    ({"format": "mxfp4", "integer": True},
     "format must be none with integer, which is int8 already, not 'mxfp4'"),
    ({"format": "nvfp4", "pattern": "16:32"},
     ("pattern must be N:M with M a divisor of 16 in nvfp4, whose scales are of 16 values, not "
     "'16:32'")),
    ({"format": "mxfp4", "pattern": "*.down=2:4+*=3:7"},
     ("pattern must be N:M with M a divisor of 32 in mxfp4, whose scales are of 32 values, not "
     "'3:7'")),
    ({"format": "mxfp4", "pattern": "unstructured-50"},
     ("pattern must be N:M with M a divisor of 32 in mxfp4, whose scales are of 32 values, not "
     "'unstructured-50'")),
])
def test_rejects(arguments, message):
    with pytest.raises(ValueError, match="must") as caught:
        Method(**{"pattern": "8:16", **arguments})
    assert str(caught.value) == message


ROUNDED = [{"integer": True}, {"format": "fp8_e4m3"}, {"format": "bf16"},
           {"format": "mxfp4", "selection": "after", "corrections": ("d-pts", "var")},
           {"format": "mxfp8_e4m3", "corrections": ("sharq",)}]


@pytest.mark.parametrize("numbers", [*ROUNDED, {"format": "nvfp4"}], ids=str)
def test_what_follows_the_product_has_gradients_and_what_is_rounded_none(numbers):
    names = (*numbers.get("corrections", ()), "ls", "r-sparse")
    if "sharq" in names:
        names = names[:-1]
    x, layer, _ = made(Method("8:16"))
    with sparsify(nn.Sequential(layer), "8:16", **numbers | {"corrections": names}) as sparse:
        learned = sparse.layers["0"].learned
        y = sparse.model(x.requires_grad_())
        y.sum().backward()
        torch.testing.assert_close(learned["ls"].grad, (y - layer.bias).detach().sum(0))
        if "r-sparse" in names:
            assert learned["a"].grad.norm() > 0
    assert layer.bias.grad.tolist() == [5] * 6
    assert x.grad is layer.weight.grad is None


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("numbers", [*ROUNDED, {"format": "nvfp4"}], ids=str)
@torch.no_grad()
def test_autocast_changes_the_type_of_results_alone(numbers, kind):
    x, layer, _ = made(Method("8:16"))
    with sparsify(nn.Sequential(layer), "8:16", **numbers) as sparse:
        expected = sparse.model(x).to(kind)
        with torch.autocast("cpu", kind):
            assert torch.equal(sparse.model(x), expected)


@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.parametrize("numbers", ROUNDED, ids=str)
def test_a_compiled_layer_computes_the_same_in_one_graph(numbers):
    x, layer, _ = made(Method("8:16"))
    with sparsify(nn.Sequential(layer), "8:16", **numbers) as sparse:
        expected = sparse.model(x)
        found = torch.compile(sparse.model, backend="aot_eager", fullgraph=True)(x)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
        found.sum().backward()
    assert layer.bias.grad.tolist() == [5] * 6
