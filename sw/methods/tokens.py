"""Which tokens of a call are real, and which only fill up a batch.

A model is told by its ``attention_mask``; layers inside are not. While a model runs that
``follow_masks`` has prepared, the mask of the innermost model around a layer is the one that
counts for it: the encoder and the decoder of one model have their own, and a vision tower, which
takes no mask, has no padding.
"""

import inspect
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sw.exact.graph import is_recorded


__all__ = ["follow_masks", "real_tokens", "some_real", "token_mask"]


class _Masks(NamedTuple):
    """Masks of a model that runs, or of the code around it; None where every token is real."""

    tokens: Tensor | None = None
    states: Tensor | None = None       # of an encoder, which a decoder attends to
    states_mask: Tensor | None = None
    explicit: bool = False
    inside: bool = False               # of a model


class _Running(threading.local):
    """Masks of the models that run in a thread, the innermost one last.

    No context variable: torch.compile can trace this, and not that.
    """

    def __init__(self) -> None:
        self.masks: list[_Masks] = []


_RUNNING = _Running()

_EXPLICIT: dict[int, _Masks] = {}
"""Masks of ``token_mask`` in all threads: gradients may be computed in a thread of their own."""


@contextmanager
def token_mask(mask: Tensor | None) -> Iterator[None]:
    """Say which tokens are real, in place of the attention masks of the models called inside.

    Parameters
    ----------
    mask : Tensor, optional
        [B, T], or [T] where layers get the tokens in one row; 0 or False is padding. None: every
        token is real.
    """
    masks, shared = _Masks(mask, explicit=True), not torch.compiler.is_compiling()
    _RUNNING.masks.append(masks)
    if shared:
        _EXPLICIT[id(masks)] = masks
    try:
        yield
    finally:
        _RUNNING.masks.pop()
        if shared:
            del _EXPLICIT[id(masks)]


def follow_masks(model: nn.Module) -> list[RemovableHandle]:
    """Let ``real_tokens`` know the masks of a model, and of models inside it, while they run.

    Returns handles, whose ``remove`` ends it.
    """
    handles: list[RemovableHandle] = []
    for module in model.modules():
        # What transformers calls a model of its own, such as an encoder or a vision tower.
        if module is model or hasattr(module, "base_model_prefix"):
            handles += [module.register_forward_pre_hook(_enter, with_kwargs=True),
                        module.register_forward_hook(_leave, always_call=True)]
    return handles


def _enter(module: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    _RUNNING.masks.append(_masks(module, args, keywords))


def _leave(*_: Any) -> None:
    _RUNNING.masks.pop()


def _masks(module: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> _Masks:
    outer = _RUNNING.masks[-1] if _RUNNING.masks else _Masks()
    names = list(inspect.signature(module.forward).parameters)
    given = dict(zip(names, args, strict=False)) | keywords
    if "attention_mask" not in (*names, *given):
        return _Masks(inside=True) if outer.inside else outer._replace(inside=True)
    mask = given.get("attention_mask")
    if outer.explicit or not (mask is None or (isinstance(mask, Tensor) and mask.dim() == 2)):
        mask = outer.tokens  # what is given is already one of queries and keys
    elif mask is not None:
        mask = _of_call(mask, given)
    return _Masks(mask, given.get("encoder_hidden_states"), given.get("encoder_attention_mask"),
                  outer.explicit, inside=True)


def _of_call(mask: Tensor, given: dict[str, Any]) -> Tensor:
    """Without the tokens before this call, which a cache remembers."""
    tokens = next((given[name] for name in ("input_ids", "inputs_embeds")
                   if isinstance(given.get(name), Tensor)), None)
    return mask if tokens is None or tokens.dim() < 2 else mask[:, -tokens.shape[1]:]


def some_real(real: Tensor | None) -> AbstractContextManager[None]:
    """``token_mask`` of tokens that were taken from others, where it is known which are real."""
    return nullcontext() if real is None else token_mask(real)


def _in_backward() -> bool:
    """Whether a layer is computed again for gradients, when its model has ended."""
    return not (_RUNNING.masks or torch.compiler.is_compiling()) \
        and torch._C._current_graph_task_id() != -1


def _current() -> _Masks | None:
    """Masks that count now; None where a layer is computed again, and they are not known."""
    if _RUNNING.masks:
        return _RUNNING.masks[-1]
    if not _in_backward():
        return _Masks()
    return next(iter(_EXPLICIT.values())) if len(_EXPLICIT) == 1 else None


def real_tokens(x: Tensor, name: str, *, padded: bool = False) -> Tensor | None:
    """Return which tokens of ``x`` [..., K], the input of a layer, are real: bool, in one row.

    None where every one is, or nothing is known. ``padded`` says that the layer, called ``name``,
    has met padding.

    Raises
    ------
    ValueError
        If there is padding, and the mask does not say which of these tokens it is, or there is none
        any more, in a checkpoint of gradients.
    """
    masks = _current()
    if padded and masks is None:
        raise ValueError(
            f"{name} must know which tokens are padding, not compute again without a mask, as in "
            "a checkpoint of gradients: call backward within sw.methods.tokens.token_mask(mask), "
            "or give statistics of observe")
    masks = masks or _Masks()
    mask = masks.states_mask if x is masks.states else masks.tokens
    if mask is None or (not is_recorded(mask) and bool((mask != 0).all())):
        return None
    lead = tuple(x.shape[:-1])
    if lead == (mask.numel(),):
        return mask.reshape(-1) != 0
    if lead == tuple(mask.shape[:1]) and "expert" not in name:
        return None  # one token of each sequence, as poolers take it
    if mask.dim() == 2 and lead[:2] == (mask.shape[1], mask.shape[0]) != tuple(mask.shape):
        mask = mask.t()  # the sequence first
    if lead[:2] != tuple(mask.shape):
        raise ValueError(
            f"tokens of {name} must be those of the attention mask, {tuple(mask.shape)}, to leave "
            f"padding out, not {lead}: call without padding, or leave this layer out")
    mask = mask.reshape(*mask.shape, *(1 for _ in lead[2:])) != 0
    return mask.expand(lead).reshape(-1)
