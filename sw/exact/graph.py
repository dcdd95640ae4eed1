"""Whether operations run, or are recorded to run later."""

import torch
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
    return torch.onnx.is_in_onnx_export() or any(map(is_functorch_wrapped_tensor, tensors))


def refuse_trace() -> None:
    """Raise ValueError under ``torch.jit.trace``, which cannot record the bits of a number."""
    if torch.jit.is_tracing():
        raise ValueError("sparse layers must be exported with torch.export, or with "
                         "torch.onnx.export(..., dynamo=True), not with torch.jit.trace")
