"""What sparse layers as modules of PyTorch take, and what of them stays as it is."""

from collections.abc import Callable
from typing import Any

from torch import Tensor


__all__ = ["check_tokens", "float32_stays"]


def check_tokens(x: Any, features: int, name: str) -> None:
    """Raise ValueError if the input of a layer is no floating-point numbers [..., features]."""
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.shape[-1:] != (features,):
        about = f"{x.dtype} {list(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"input of {name} must be floating-point numbers [..., {features}] to be "
                         f"sparse, not {about}")


def float32_stays(move: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Of what moves a model to a device or type: the device alone."""
    def apply(x: Tensor) -> Tensor:
        moved = move(x)
        return moved if moved.dtype == x.dtype else x.to(moved.device)

    return apply
