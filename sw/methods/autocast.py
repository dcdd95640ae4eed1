"""Types under ``torch.autocast``."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


__all__ = ["autocast_type", "chosen_types"]


def autocast_type(x: Tensor) -> torch.dtype | None:
    """The type that autocast gives a product of ``x``; None where it is off."""
    device = x.device.type
    if x.dtype == torch.float64 or not torch.amp.is_autocast_available(device) \
            or not torch.is_autocast_enabled(device):
        return None
    return torch.get_autocast_dtype(device)


def chosen_types(x: Tensor) -> AbstractContextManager[object]:
    """No autocast inside, so that what is float32 on purpose stays so."""
    if autocast_type(x) is None:
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)
