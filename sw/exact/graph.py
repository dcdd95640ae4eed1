"""Whether operations run, or are recorded to run later."""

from typing import Any

import torch
import torch.fx
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor


__all__ = ["is_recorded", "lacks_operations", "refuse_trace"]


def is_recorded(x: Tensor) -> bool:
    """Whether what is done to ``x`` becomes part of a graph or of a transform.

    True under ``torch.compile``, ``torch.export``, ``torch.onnx.export`` and inside ``torch.func``
    (``vmap``, ``grad``). No value can be read then, no choice may depend on one, and nothing may
    run in another thread, which would not be recorded.
    """
    return torch.compiler.is_compiling() or is_functorch_wrapped_tensor(x)


def lacks_operations(*tensors: Tensor) -> bool:
    """Whether only common operations are there: in ``torch.onnx.export`` and ``torch.func``."""
    if torch.onnx.is_in_onnx_export():
        return True
    return not torch.compiler.is_compiling() and any(map(is_functorch_wrapped_tensor, tensors))


def refuse_trace(x: Any = None, by: str = "") -> None:
    """Raise ValueError under ``torch.jit.trace`` or ``torch.fx``, where ``x`` is no tensor.

    They cannot record the bits of a number. Or say so of what does it ``by`` another name.
    """
    by = by or ("torch.jit.trace" if torch.jit.is_tracing() else
                "torch.fx.symbolic_trace" if isinstance(x, torch.fx.Proxy) else "")
    if by:
        raise ValueError("sparse layers must be exported with torch.export, or with "
                         f"torch.onnx.export(..., dynamo=True), not with {by}")
