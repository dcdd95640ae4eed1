"""Models in their two phases: a prompt at once, then token after token."""

from collections.abc import Sequence
from typing import Any

from synth.performance.layer import Layer
from synth.performance.models import layers


__all__ = ["PHASES", "phase_layers", "total"]


PHASES = ("prefill", "decode")
"""A prompt of many tokens at once; one further token of each of several sequences."""


def phase_layers(config: dict[str, Any], phase: str, tokens: int) -> list[Layer]:
    """Linear layers of a model with what runs through them.

    Parameters
    ----------
    config : dict
        Of the model, see :func:`synth.performance.models.named`.
    phase : str
        One of :data:`PHASES`.
    tokens : int
        Of the prompt; in decode, sequences, each of which gets a token.
    """
    return [Layer(linear.name, 1 if linear.last and phase == "prefill" else tokens,
                  linear.features, linear.outputs, linear.count) for linear in layers(config)]


def total(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sums of numbers, and of those in dictionaries, by their names."""
    found: dict[str, Any] = {}
    for one in values:
        for name, value in one.items():
            found[name] = found.get(name, 0) + value
    return found
