"""How long learned corrections are trained, and how fast."""

from dataclasses import dataclass


__all__ = ["Training"]


@dataclass(frozen=True)
class Training:
    """How blocks are trained; the defaults are the authors'.

    AdamW with betas of 0.9 and 0.95 and no weight decay, one window in a step, gradients clipped
    to a norm of 1; the rate rises over the first 3 % of the steps and then falls to zero, both
    linearly.

    Attributes
    ----------
    rate : float
        Highest learning rate.
    epochs : int
        How often each block sees every window.
    seed : int
        For the order of the windows.
    """

    rate: float = 1e-4
    epochs: int = 1
    seed: int = 0

    def factor(self, step: int, steps: int) -> float:
        """Share of the highest rate in a step, 0 to 1."""
        warm = max(1, round(0.03 * steps))
        if step < warm:
            return (step + 1) / warm
        return (steps - step) / max(1, steps - warm + 1)
