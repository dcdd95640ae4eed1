"""Training of learned corrections, block by block, as the paper's authors do it.

A block of the model, made sparse, is trained to give the outputs that the dense block gives on
the same inputs (mean squared error); the next block then gets the outputs of the sparse one. The
model's own weights stay as they are. The mask is a constant to gradients: they pass through kept
values and through what a correction adds, never through the selection itself.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sw.files import load, save
from sw.methods.corrections import TRAINED
from sw.methods.method import Method
from sw.methods.schedule import Training
from sw.methods.sparse_layer import SparseInput
from sw.methods.sparsified import Sparsified
from sw.methods.sparsify import sparsify
from sw.methods.tokens import follow_masks, real_tokens, token_mask


__all__ = ["FORM", "KIND", "Training", "calibrate", "find_blocks"]


KIND = "learned corrections"
"""Kind of the checkpoint."""

FORM = {"complete": bool, "identity": {str: object}, "learned": {str: {str: Tensor}},
        "error": {str: list}}
"""What is in it: who made it, how far it is, parameters of layers, and errors of blocks."""

Learned = dict[str, dict[str, Tensor]]
Call = tuple[tuple[Any, ...], dict[str, Any], Tensor | None]
"""What a block is called with besides its first argument, and which tokens are real, [B * T]."""


def find_blocks(names: Sequence[str]) -> dict[str, list[str]]:
    """Group layers by the block they are in: the part of the name up to its first number.

    Raises
    ------
    ValueError
        If a layer is in no numbered block.
    """
    blocks: dict[str, list[str]] = {}
    for name in names:
        match = re.match(r"(?:.*?\.)??\d+(?=\.)", name)
        if not match:
            raise ValueError("layers must be inside numbered blocks, such as model.layers.0, to "
                             f"be trained block by block, not {name}")
        blocks.setdefault(match[0], []).append(name)
    return blocks


def _chain(blocks: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Blocks with all between them, which have no layers that are sparse."""
    numbers: dict[str, list[int]] = {}
    for name in blocks:
        parent, _, number = name.rpartition(".")
        numbers.setdefault(parent, []).append(int(number))
    names = [f"{parent}.{number}" if parent else str(number) for parent, held in numbers.items()
             for number in range(min(held), max(held) + 1)]
    return {name: blocks.get(name, []) for name in names}


def _first(output: Any) -> Tensor:
    """Hidden states among the outputs of a block."""
    return output[0] if isinstance(output, tuple) else output


@torch.no_grad()
def _record(model: nn.Module, blocks: Sequence[str], batches: Sequence[Mapping[str, Any]],
            ) -> tuple[list[Tensor], dict[str, list[Call]]]:
    """Inputs of the first block, and what else each block is called with, in the dense model."""
    hidden: list[Tensor] = []
    calls: dict[str, list[Call]] = {name: [] for name in blocks}
    last: list[Tensor] = []

    def before(name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        if name == blocks[0] and args:
            hidden.append(args[0])
        elif not (args and last and torch.equal(args[0], last[-1])):
            raise ValueError(f"{name} must take the output of the block before it to be trained, "
                             "not something else")
        calls[name].append((args[1:], keywords, real_tokens(args[0], name)))

    # A cache would remember the tokens of earlier calls.
    config: Any = getattr(model, "config", None)
    caching = getattr(config, "use_cache", False)
    if caching:
        config.use_cache = False
    handles = follow_masks(model)
    for name in blocks:
        block = model.get_submodule(name)
        handles += [
            block.register_forward_pre_hook(
                lambda _, args, keywords, name=name: before(name, args, keywords),
                with_kwargs=True),
            block.register_forward_hook(
                lambda _, args, output: last.__setitem__(slice(None), [_first(output)]))]
    try:
        for batch in batches:
            model(**batch)
    finally:
        if caching:
            config.use_cache = caching
        for handle in handles:
            handle.remove()
    return hidden, calls


def _run(block: nn.Module, x: Tensor, call: Call) -> Tensor:
    with token_mask(None if call[2] is None else call[2].view(x.shape[:-1])):
        return _first(block(x, *call[0], **call[1]))


@torch.enable_grad()
def _train(block: nn.Module, parameters: list[nn.Parameter], inputs: list[Tensor],
           targets: list[Tensor], calls: list[Call], training: Training, seed: int,
           advance: Callable[[], None]) -> None:
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.95), weight_decay=0)
    steps = training.epochs * len(inputs)
    generator = torch.Generator().manual_seed(seed)
    order = torch.cat([torch.randperm(len(inputs), generator=generator)
                       for _ in range(training.epochs)])
    for step, window in enumerate(order.tolist()):
        for group in optimizer.param_groups:
            group["lr"] = training.rate * training.factor(step, steps)
        loss = _error(_run(block, inputs[window], calls[window]), targets[window], calls[window])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        advance()


def _error(output: Tensor, target: Tensor, call: Call) -> Tensor:
    """Mean squared error over the tokens that are real."""
    if call[2] is not None:
        output, target = (values.flatten(0, -2)[call[2]] for values in (output, target))
    return nn.functional.mse_loss(output.float(), target.float())


def _parameters(layers: Mapping[str, SparseInput]) -> Learned:
    return {name: {key: value.detach().cpu().clone() for key, value in layer.learned.items()}
            for name, layer in layers.items()}


def _resume(path: Path | None, identity: dict[str, Any]) -> dict[str, Any]:
    """Return what an earlier run of the same kind has done."""
    if path is None or not path.exists():
        return {"identity": identity, "complete": False, "learned": {}, "error": {}}
    state = load(path, KIND, FORM)
    if state["identity"] != identity:
        other = next(key for key in identity if identity[key] != state["identity"].get(key))
        raise ValueError(f"{path} must be of the same run, not of one whose {other} is "
                         f"{state['identity'].get(other)!r}")
    return state


def calibrate(model: nn.Module, batches: Sequence[Mapping[str, Any]], method: Method,
              layers: Sequence[str] | None = None, *, ignore: Sequence[str] | None = None,
              statistics: Mapping[str, Mapping[str, Tensor]] | None = None,
              training: Training | None = None, path: Path | None = None,
              identity: Mapping[str, Any] | None = None,
              advance: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Train the learned parameters of a method on a model, which is left as it was.

    Parameters
    ----------
    model : nn.Module
        In evaluation mode. Its layers are inside numbered blocks, each of which takes the
        output of the one before as its first argument, as in the usual transformers.
    batches : sequence of dict
        Keyword arguments of one call each; a call is a training step of every block. Errors are
        those of real tokens, as the ``attention_mask`` says.
    method : Method
        With at least one correction of ``sw.methods.corrections.TRAINED``, and as the model
        computes: what is learned serves integers and number formats, too.
    layers, ignore, statistics
        As for ``sw.methods.sparsify.sparsify``.
    training : Training, optional
        The authors' by default.
    path : Path, optional
        File that the parameters are written to after every block, and gone on from.
    identity : mapping, optional
        What else must be the same for a file to be gone on from.
    advance : function
        Called after every step.

    Returns
    -------
    dict
        ``learned``: for every layer its parameters, for ``sparsify(..., learned=)``; ``error``:
        for every block its mean squared error before and after training; ``coverage``: what of
        the model is sparse, as ``Coverage.as_dict`` gives it.

    Raises
    ------
    ValueError
        If nothing is to be trained, or in integers or a format, there is no batch, the model is in
        training mode or has no such blocks, or the file is of another run or damaged.
    """
    training = training or Training()
    if not set(method.corrections) & set(TRAINED):
        raise ValueError(f"corrections must have one of {', '.join(TRAINED)} to be trained, "
                         f"not {'+'.join(method.corrections) or 'none'}")
    if method.integer or method.format != "none":
        raise ValueError("method must be without integer and format to be trained, not "
                         f"{method}")
    if not batches:
        raise ValueError("batches must have at least one call, not none")
    if model.training:
        raise ValueError("model must be in evaluation mode, so that its blocks give the same each "
                         "time, not in training mode: call eval() first")
    about = {"method": {**asdict(method), "corrections": "+".join(method.corrections)},
             "training": asdict(training), "layers": None if layers is None else list(layers),
             **({"ignore": list(ignore)} if ignore else {}), "windows": len(batches),
             **(identity or {})}
    state = _resume(path, about)
    frozen = {parameter: parameter.requires_grad for parameter in model.parameters()}
    sparse = sparsify(model, method.pattern, method.criterion, method.corrections, layers,
                      ignore=ignore, statistics=statistics)
    sparse.remove()
    state["coverage"] = sparse.coverage.as_dict()
    blocks = find_blocks(list(sparse.layers))
    try:
        for parameter in frozen:
            parameter.requires_grad_(False)
        chain = _chain(blocks)
        hidden, calls = _record(model, list(chain), batches)
        for number, (name, members) in enumerate(chain.items()):
            _block(model.get_submodule(name), sparse.part(members), name, hidden, calls[name],
                   training, number, state, advance)
            state["complete"] = len(state["error"]) == len(blocks)
            if path is not None:
                save(path, KIND, {key: value for key, value in state.items() if key != "kind"})
    finally:
        for parameter, needed in frozen.items():
            parameter.requires_grad_(needed)
    return state


def _block(block: nn.Module, part: Sparsified, name: str, hidden: list[Tensor],
           calls: list[Call], training: Training, number: int, state: dict[str, Any],
           advance: Callable[[], None]) -> None:
    """Train one block, unless ``state`` has it, and take ``hidden`` through it, sparse.

    One without sparse layers has nothing to train.
    """
    def outputs() -> list[Tensor]:
        with torch.no_grad():
            return [_run(block, x, call) for x, call in zip(hidden, calls, strict=True)]

    def mean_error(found: list[Tensor]) -> float:
        return sum(_error(*each).item() for each in
                   zip(found, targets, calls, strict=True)) / len(found)

    if not part.layers:
        hidden[:] = outputs()
        return
    trained = name in state["error"]
    targets = [] if trained else outputs()
    part.place()
    if trained:
        for key, layer in part.layers.items():
            for parameter, value in state["learned"][key].items():
                layer.learned[parameter].data.copy_(value)
    try:
        if not trained:
            before = mean_error(outputs())
            _train(block, [p for layer in part.layers.values() for p in layer.learned.values()],
                   hidden, targets, calls, training, training.seed * 1_000_003 + number, advance)
        hidden[:] = outputs()
        if not trained:
            state["error"][name] = [before, mean_error(hidden)]
            state["learned"].update(_parameters(part.layers))
    finally:
        part.remove()
