"""Hooks of a dense module, run by what takes its place."""

from torch import nn


__all__ = ["offloads", "share_hooks"]


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
