"""The product of sparse tokens and weights in a number format of the hardware."""

import torch
from torch import Tensor
from torch.nn.functional import linear

from hw.formats import BLOCK_FORMATS
from sw.exact.blocks import tensor_scale
from sw.exact.quantizer import quantize_selected, quantized
from sw.methods.corrections import variance_ratio
from sw.methods.derived import Derived
from sw.methods.method import Method
from sw.methods.products import Keep, Product, float_product, integer_product


__all__ = ["FormatProduct", "product_of"]


def product_of(method: Method) -> Product:
    """Return how a method multiplies tokens and weights."""
    if method.format != "none":
        return FormatProduct(method.format, method.selection, "sharq" in method.corrections)
    return integer_product if method.integer else float_product


class FormatProduct:
    """Products as ``sw.methods.products`` has them, of tokens and weights in one format.

    Both are bf16 (fp16 where they are that) before they are quantised. NVFP4's scale of the tensor
    is that of the tokens of the call, and of the weights. Sums are those of binary32, not rounded
    as ``sw.exact.dot`` has it. No gradient passes, but to the bias: those of rounding are zero, and
    they would be numbers of the format.

    Parameters
    ----------
    name : str
        One of ``hw.formats.QUANTIZED``.
    selection : str
        Whether selection stands ``before`` or ``after`` quantisation.
    residual : bool
        SharQ: what selection drops is quantised by itself and multiplied too.
    """

    def __init__(self, name: str, selection: str, residual: bool = False):
        self.name, self.selection, self.residual = name, selection, residual
        self._weights = Derived()

    def __call__(self, tokens: Tensor, shift: Tensor | None, keep: Keep, weight: Tensor,
                 bias: Tensor | None = None, variance: bool = False) -> tuple[Tensor, Tensor]:
        """Return ``(S(x - e) + e) W^T + b``, float32, and what S drops.

        Parameters are those of ``sw.methods.products.float_product``. The ratio of variances is
        that of what selection sees and of what it keeps of that.
        """
        y, dropped = self._multiply(tokens, shift, keep, weight, variance)
        return y if bias is None else y + bias.float(), dropped

    @torch.no_grad()
    def _multiply(self, tokens: Tensor, shift: Tensor | None, keep: Keep, weight: Tensor,
                  variance: bool) -> tuple[Tensor, Tensor]:
        """The same without the bias."""
        z = _half(tokens if shift is None else tokens.float() - shift)
        tensor = self._tensor(z)
        found = quantize_selected(z, self.name, keep, self.selection, tensor)
        seen = z.float() if self.selection == "before" else found.dequantize()
        weights = self._weights(weight, lambda: self._quantize(weight))
        sparse = found.sparse()
        y = linear(sparse, weights)
        if variance:
            y = y * variance_ratio(seen, torch.where(found.mask, seen, 0))
        if self.residual:
            rest = quantized(z, self.name, ~found.mask, tensor)
            y = y + linear(rest.sparse(), weights)
        if shift is not None:
            y = y + linear(shift.expand(*shift.shape[:-1], weights.shape[1]), weights)
        return y, torch.where(found.mask, 0, seen)

    def _tensor(self, x: Tensor) -> float:
        block = BLOCK_FORMATS.get(self.name)
        return tensor_scale(x) if block and block.scale == "e4m3" else 1.0

    def _quantize(self, weight: Tensor) -> Tensor:
        weight = _half(weight.detach())
        return quantized(weight, self.name, tensor=self._tensor(weight)).dequantize()


def _half(x: Tensor) -> Tensor:
    """What a quantiser takes."""
    return x if x.dtype in (torch.float16, torch.bfloat16) else x.bfloat16()
