"""The product of sparse tokens and weights: in floating point, and in the hardware's integers."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import linear

from sw.exact.linear import integer_matmul
from sw.exact.quantize import quantize, saturate
from sw.methods.corrections import variance_ratio
from sw.methods.derived import refuse_own_type


__all__ = ["Keep", "Product", "corrected", "float_product", "integer_product"]


Keep = Callable[[Tensor], Tensor]
"""From values [T, K], floating-point or int8, the mask of those that are kept."""

Product = Callable[[Tensor, Tensor | None, Keep, Tensor, Tensor | None, bool],
                   tuple[Tensor, Tensor]]
"""What ``float_product`` is."""


def corrected(tokens: Tensor, shift: Tensor | None, keep: Keep, variance: bool = False,
              ) -> tuple[Tensor, Tensor]:
    """Return ``S(x - e) + e``, and what S drops, both [T, K].

    Parameters
    ----------
    tokens : Tensor
        x, [T, K].
    shift : Tensor, optional
        e, float32: [T, 1], one number, or [K].
    keep : function
        Says what S keeps. The mask is a constant to gradients.
    variance : bool
        Whether to multiply what S keeps by its ratio of variances.
    """
    z = tokens if shift is None else tokens.float() - shift
    mask = keep(z.detach())
    dropped = torch.where(mask, 0, z)
    if not variance:
        # Kept values lose the shift and regain it: they are taken as they were.
        return torch.where(mask, tokens, 0 if shift is None else shift), dropped
    kept = torch.where(mask, z, 0)
    kept = kept * variance_ratio(z, kept)
    return kept if shift is None else kept + shift, dropped


def float_product(tokens: Tensor, shift: Tensor | None, keep: Keep, weight: Tensor,
                  bias: Tensor | None = None, variance: bool = False) -> tuple[Tensor, Tensor]:
    """Return ``(S(x - e) + e) W^T + b`` and what S drops, for weights W [O, K] and a bias b [O].

    The product is in the type of the weights; with ``variance`` the result is float32. Other
    parameters are those of ``corrected``.
    """
    if not variance:
        x, dropped = corrected(tokens, shift, keep)
        return linear(x.to(weight.dtype), weight, _as(bias, weight.dtype)), dropped
    z = tokens if shift is None else tokens.float() - shift
    mask = keep(z.detach())
    kept = torch.where(mask, z, 0)
    # The ratio comes after the product: before it, float16 could overflow.
    y = linear(kept.to(weight.dtype), weight).float() * variance_ratio(z, kept)
    if shift is not None:
        y = y + linear(shift.expand(*shift.shape[:-1], weight.shape[1]), weight.float())
    return y if bias is None else y + bias.float(), torch.where(mask, 0, z)


def _as(bias: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if bias is None else bias.to(dtype)


def integer_product(tokens: Tensor, shift: Tensor | None, keep: Keep, weight: Tensor,
                    bias: Tensor | None = None, variance: bool = False) -> tuple[Tensor, Tensor]:
    """Return the same of tokens and weights quantised to int8; float32.

    Selection, products and sums are exact integers; ``keep`` gets int8. No gradient passes, but to
    the bias. ValueError if the weights are no plain numbers.
    """
    refuse_own_type(weight)
    y, dropped = _integers(tokens, shift, keep, weight, variance)
    return y if bias is None else y + bias.float(), dropped


@torch.no_grad()
def _integers(tokens: Tensor, shift: Tensor | None, keep: Keep, weight: Tensor, variance: bool,
              ) -> tuple[Tensor, Tensor]:
    """The same without the bias."""
    x = tokens.float()
    # The step leaves room for the shifted values, which otherwise saturate.
    largest = x.abs() if shift is None else torch.maximum(x.abs(), (x - shift).abs())
    values, step = quantize(x, largest.amax(-1, keepdim=True))
    whole = None if shift is None else (shift / step).round().clamp(-128, 127)
    z = values if whole is None else saturate(values.float() - whole)
    mask = keep(z)
    kept = z * mask
    integers, channel = quantize(weight)
    y = integer_matmul(kept, integers).float()
    if variance:
        y = y * variance_ratio(z, kept)
    if whole is not None:
        y = y + integer_matmul(whole.to(torch.int8).expand(z.shape), integers)
    return y * step * channel.t(), (z * ~mask).float() * step
