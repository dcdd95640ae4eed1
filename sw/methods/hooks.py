"""Hooks of a dense module, run by what takes its place."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


__all__ = ["hand_over", "offloads", "share_hooks"]


_HOOKS = ("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_forward_hooks",
          "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_backward_pre_hooks",
          "_backward_hooks", "_is_full_backward_hook")


def share_hooks(module: nn.Module, other: nn.Module) -> None:
    """Let another module run the hooks of a module.

    Both hold the very same hooks: a handle of either removes a hook from both, and one that is
    added to either runs in both. Hooks of accelerate that move inputs between devices are added
    too.
    """
    for name in _HOOKS:
        setattr(other, name, getattr(module, name))
    if "_hf_hook" in module.__dict__:
        from accelerate.hooks import add_hook_to_module
        add_hook_to_module(other, module._hf_hook)


def offloads(module: nn.Module) -> bool:
    """Whether a hook of accelerate brings the weights of a module for each call only."""
    hook = module.__dict__.get("_hf_hook")
    return any(getattr(part, "offload", False) for part in getattr(hook, "hooks", [hook]))


@contextmanager
def hand_over(module: nn.Module, other: nn.Module) -> Iterator[None]:
    """Let ``other`` have the parameters of a module in the block, and then its hook of accelerate.

    Of one that was put on ``module`` alone, since it took the place of ``other``: in the block the
    weights that it keeps elsewhere are back.
    """
    hook = None if "_hf_hook" in other.__dict__ else module.__dict__.get("_hf_hook")
    if hook is not None:
        from accelerate.hooks import add_hook_to_module, remove_hook_from_module
        remove_hook_from_module(module)
    yield
    if hook is not None:
        add_hook_to_module(other, hook)
