"""Parameters that calibration learns, beside the weights of a layer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sw.exact.graph import is_recorded
from sw.exact.modules import float32_stays
from sw.methods.corrections import low_rank
from sw.methods.derived import Fingerprint, lasting


__all__ = ["Learned"]


class Learned(nn.ParameterDict):
    """The learned parameters of one layer: float32, whatever type the model gets.

    They are no part of a ``state_dict``: calibration saves them, not with the model's weights.

    Parameters
    ----------
    weight : Tensor
        [O, K], the layer's.
    corrections : tuple of str
        Those of the layer.
    given : mapping of str to Tensor, optional
        ``l-pts`` [K], ``shift`` [O], ``ls`` [O], ``a`` [O, rank] and ``b`` [rank, K], as the
        corrections need them. Where it is not given vectors are zero, and the low-rank path is the
        best copy of the weights: of those that the layer has in a call, until it is trained.

    Raises
    ------
    ValueError
        If ``given`` has other names or shapes.
    """

    @lasting()
    def __init__(self, weight: Tensor, corrections: tuple[str, ...],
                 given: Mapping[str, Tensor] | None = None):
        o, k = weight.shape
        rank = max(1, min(k, o) // 10) if "r-sparse" in corrections else 0
        sizes = {name: (size,) for name, size in (("l-pts", k), ("shift", o), ("ls", o))
                 if name in corrections} | ({"a": (o, rank), "b": (rank, k)} if rank else {})
        if given is not None:
            found = {name: tuple(value.shape) for name, value in given.items()}
            if found != sizes:
                raise ValueError(f"learned must hold parameters of the shapes {sizes} for every "
                                 f"layer of this kind, not {found}")
        start = given or {name: torch.zeros(size) for name, size in sizes.items()}
        super().__init__({
            name: nn.Parameter(value.detach().to(weight.device, torch.float32, copy=True))
            for name, value in start.items()})
        self._start: list[Fingerprint] | None = None
        if rank and given is None:
            self._copy(weight)

    def _prints(self, weight: Tensor) -> list[Fingerprint]:
        likes: Sequence[Fingerprint | None] = (
            self._start if self._start and is_recorded(weight) else [None] * 3)
        return [Fingerprint.of(tensor, like) for tensor, like in
                zip((weight, self["a"], self["b"]), likes, strict=True)]

    @lasting()
    def _copy(self, weight: Tensor) -> None:
        for name, value in zip("ab", low_rank(weight, len(self["b"])), strict=True):
            # Not in place: a backward pass may still need what was there.
            self[name].data = value.to(self[name].device).contiguous()
        self._start = self._prints(weight)

    @torch.no_grad()
    def follow(self, weight: Tensor) -> None:
        """Take the low-rank path from the weights anew if these changed and it was not trained.

        A graph cannot; there, RuntimeError is raised when it runs with such weights.
        """
        if self._start is None or weight.is_meta:
            return
        if is_recorded(weight):
            self._refuse_changed(weight)
            return
        weights, *paths = self._prints(weight)
        if not all(a.same(b) for a, b in zip(paths, self._start[1:], strict=True)):
            self._start = None  # trained: it is the user's now
        elif not self._start[0].same(weights):
            self._copy(weight)

    def _refuse_changed(self, weight: Tensor) -> None:
        assert self._start is not None
        if not torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export():
            return  # ONNX holds the weights of now, which the last call has followed
        weights, *paths = self._prints(weight)
        trained = ~torch.stack([torch.as_tensor(a.same(b)) for a, b in
                                zip(paths, self._start[1:], strict=True)]).all()
        same = torch.as_tensor(self._start[0].same(weights), device=weight.device)
        torch._assert_async(same | trained, "the low-rank path of r-sparse must follow the weights,"
                            " which have changed: call the model once outside of the graph")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Learned":
        super()._apply(float32_stays(fn), recurse)
        return self

    def _save_to_state_dict(self, *_: Any) -> None:
        pass

    def _load_from_state_dict(self, *_: Any) -> None:
        pass
