"""Log-likelihood tasks through lm-evaluation-harness, where it is installed."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from hw.command.faults import lacking
from hw.config import integer


__all__ = ["Tasks"]


class Tasks:
    """Tasks that the harness knows, found once and run on any number of models.

    Parameters
    ----------
    names : sequence of str
        Tasks or groups of them, such as ``arc_easy``.
    folder : Path, optional
        Holds further definitions, in the YAML of the harness.
    limit : int, optional
        Documents of each task, all by default.

    Raises
    ------
    ModuleNotFoundError
        If the harness is not installed.
    ValueError
        If it knows no such task, or the limit is none.
    NotADirectoryError
        If there is no such folder.
    """

    def __init__(self, names: Sequence[str], folder: Path | None = None,
                 limit: int | None = None):
        try:
            import lm_eval
            import lm_eval.models.huggingface
            import lm_eval.tasks
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{lacking(error)} must be installed for tasks, not missing: "
                "pip install 'nmforge[tasks]'", name=lacking(error)) from None
        if folder is not None and not folder.is_dir():
            raise NotADirectoryError(f"task folder must be a folder, not {str(folder)!r}")
        if limit is not None:
            integer("limit", limit, 1, 1 << 20)
        self.names, self.limit, self._harness = list(names), limit, lm_eval
        self._manager = lm_eval.tasks.TaskManager(include_path=folder and str(folder))
        for name in self.names:
            if name not in self._manager.all_tasks:
                raise ValueError("tasks must be names that lm-evaluation-harness knows (lm-eval "
                                 f"ls tasks), not {name!r}")

    def run(self, model: Any, tokenizer: Any) -> dict[str, float]:
        """Return the zero-shot results of a causal model, as it is now, ``task metric`` to value.

        A text without context is predicted after the token that begins or ends texts, or after
        a line break where the tokenizer has neither.
        """
        start = None  # left to the harness
        if tokenizer.bos_token_id is None and tokenizer.eos_token_id is None:
            start = tokenizer("\n", add_special_tokens=False)["input_ids"][0]
        # The harness adds a token for padding to the tokenizer that it is given.
        wrapped = self._harness.models.huggingface.HFLM(
            pretrained=model, tokenizer=deepcopy(tokenizer), batch_size=8, prefix_token_id=start)
        found = self._harness.simple_evaluate(
            wrapped, tasks=self.names, limit=self.limit, task_manager=self._manager,
            random_seed=42, numpy_random_seed=42, torch_random_seed=42)
        return {f"{task} {metric.removesuffix(',none')}": float(value)
                for task, metrics in found["results"].items()
                for metric, value in metrics.items()
                if isinstance(value, float) and "stderr" not in metric}
