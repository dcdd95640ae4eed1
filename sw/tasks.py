"""Log-likelihood tasks through lm-evaluation-harness, where it is installed."""

from collections.abc import Sequence
from typing import Any


__all__ = ["require", "run_tasks"]


def require() -> Any:
    """Return the harness.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed.
    """
    try:
        import lm_eval
        import lm_eval.models.huggingface
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error.name} must be installed for tasks: pip install "
                                  "lm_eval", name=error.name) from None
    return lm_eval


def run_tasks(model: Any, tokenizer: Any, tasks: Sequence[str], limit: int | None = None,
              ) -> dict[str, float]:
    """Return the zero-shot results of a causal model, as it is now, ``task metric`` to value.

    Parameters
    ----------
    model, tokenizer
        Of Hugging Face.
    tasks : sequence of str
        Names that the harness knows, such as ``arc_easy``.
    limit : int, optional
        Documents of each task, all by default.
    """
    harness = require()
    wrapped = harness.models.huggingface.HFLM(pretrained=model, tokenizer=tokenizer, batch_size=8)
    found = harness.simple_evaluate(wrapped, tasks=list(tasks), limit=limit, random_seed=42,
                                    numpy_random_seed=42, torch_random_seed=42)
    return {f"{task} {metric.removesuffix(',none')}": value
            for task, metrics in found["results"].items() for metric, value in metrics.items()
            if isinstance(value, float) and "stderr" not in metric}
