"""The linear layers of a model: which there are, and which of them become sparse."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from sw.methods.experts import expert_layers
from sw.methods.sparse_layer import SparseInput, is_transposed
from sw.methods.wrapping import is_hooked, refuse_sparse


__all__ = ["Layer", "choose", "find_layers", "linear_layers", "matches"]


_HEADS = {"lm_head", "embed_out", "pooler", "classifier", "score", "cls", "qa_outputs"}
"""Names of heads where the model itself does not tell."""

_ROUTERS = {"router", "gate", "shared_expert_gate"}
"""Names of routers, beside experts."""

_SPARSE = "sparse already"

NOT_LANGUAGE = "not of the language model"


@dataclass(frozen=True)
class Layer:
    """A linear layer of a model.

    Attributes
    ----------
    module : nn.Linear
        Or a ``Conv1D`` of transformers, or what quantisation puts in its place.
    why : str
        Why it stays dense where nobody asks for it; empty if it becomes sparse.
    never : bool
        Whether it stays dense even then.
    """

    module: nn.Linear
    why: str = ""
    never: bool = False


def matches(name: str, pattern: str) -> bool:
    """Whether a whole name matches a pattern; ``base_layer`` of an adapter may be left out."""
    return fnmatchcase(name, pattern) or fnmatchcase(name.replace(".base_layer", ""), pattern)


def _linear_size(model: nn.Module) -> int:
    return sum(module.in_features * module.out_features for module in model.modules()
               if isinstance(module, nn.Linear))


def _heads(model: nn.Module) -> set[int]:
    """Modules that the models inside a model call their heads, and what is in them."""
    heads: list[nn.Module] = []
    module: Any
    for module in model.modules():
        if not hasattr(type(module), "get_output_embeddings"):
            continue
        try:
            output = module.get_output_embeddings()
        except Exception:  # of models that have no such thing, each in its own way
            output = None
        if isinstance(output, nn.Module):
            heads.append(output)
        # What stands beside the body of a model is for a task. A body that is the smaller part
        # is none: such models only name one of their parts so.
        body = getattr(module, "base_model", module)
        if body is not module and 2 * _linear_size(body) > _linear_size(module):
            heads += [child for child in module.children()
                      if all(part is not body for part in child.modules())]
    return {id(part) for head in heads for part in head.modules()}


def _other_inputs(model: nn.Module) -> list[str]:
    """Names of the models inside a model of text that read something else than text."""
    if getattr(model, "main_input_name", "") != "input_ids":
        return []
    return [name for name, module in model.named_modules()
            if getattr(module, "main_input_name", "input_ids") != "input_ids"]


def _language(model: nn.Module) -> list[str] | None:
    """Names of the language models inside a model of several; None where all is language."""
    root: Any = next((module for module in model.modules()
                      if hasattr(getattr(module, "config", None), "get_text_config")), None)
    if root is None:
        return None
    config = root.config
    try:
        text = [config.get_text_config()]
    except ValueError:  # several
        text = [getattr(config, name, None)
                for name in ("text_encoder", "decoder", "generator", "text_config")]
    kinds = {type(part) for part in text if part is not None}
    encoder = getattr(config, "encoder", None)
    found = []
    for name, module in model.named_modules():
        kind = type(getattr(module, "config", None))
        text_encoder = encoder is not None and kind is type(encoder) \
            and getattr(module, "main_input_name", "") == "input_ids"
        if text_encoder or (kind in kinds and kind is not type(config)):
            found.append(name)
    return found or None


def _adapters(model: nn.Module) -> list[str]:
    """Names of the layers of PEFT around layers."""
    return [name for name, module in model.named_modules()
            if hasattr(module, "adapter_layer_names") and hasattr(module, "base_layer")]


def _inside(name: str, prefixes: Iterable[str]) -> bool:
    return any(not prefix or name == prefix or name.startswith(prefix + ".")
               for prefix in prefixes)


def _is_router(name: str, parents: dict[str, nn.Module]) -> bool:
    """Whether a layer chooses experts: by the classes around it, or by its name beside them."""
    parts = name.split(".")
    around = [parents[".".join(parts[:end])] for end in range(1, len(parts) + 1)
              if ".".join(parts[:end]) in parents]
    if any("Router" in type(module).__name__ or "TopKGating" in type(module).__name__
           for module in around):
        return True
    parent = parents.get(".".join(parts[:-1]))
    return parts[-1] in _ROUTERS and hasattr(parent, "experts")


def linear_layers(model: nn.Module) -> dict[str, Layer]:
    """Return every linear layer inside a model that is dense, by name.

    A layer of several names is found under each. Experts that share a parameter are found one by
    one, as ``sw.methods.experts`` names them.
    """
    modules = {name: module for name, module in model.named_modules(remove_duplicate=False)}
    heads, adapters = _heads(model), _adapters(model)
    language, others = _language(model), _other_inputs(model)
    attention = {id(module.out_proj) for module in modules.values()
                 if isinstance(module, nn.MultiheadAttention)}
    found: dict[str, Layer] = {}
    for name, module in modules.items():
        if isinstance(module, SparseInput):
            continue
        foreign = _inside(name, others) or (language is not None and not _inside(name, language))
        if _is_script(module):
            if name and _is_linear(module):
                found[name] = Layer(module, "TorchScript, which calls no hooks", True)
            continue
        if not _is_linear(module):
            why = NOT_LANGUAGE if foreign else ""
            found |= {f"{name}.{key}": Layer(layer, why)
                      for key, layer in expert_layers(module).items() if name}
            continue
        why, never = "", True
        if not name:
            continue
        if is_hooked(module):
            why = _SPARSE
        elif any(name.startswith(f"{prefix}.") and not name.startswith(f"{prefix}.base_layer")
                 for prefix in adapters):
            why = "adapter"
        elif id(module) in heads or set(name.split(".")) & _HEADS:
            why = "head"
        elif _is_router(name, modules):
            why = "router"
        elif id(module) in attention:
            why = "nn.MultiheadAttention reads its weights and never calls it"
        elif foreign:
            why, never = NOT_LANGUAGE, False
        else:
            never = False
        found[name] = Layer(module, why, never)
    return found


def _is_linear(module: Any) -> bool:
    """Whether it is a linear layer, or what stands in for one, as quantisation puts it."""
    if isinstance(module, nn.Linear) or is_transposed(module):
        return True
    sizes = [getattr(module, name, None) for name in ("in_features", "out_features")]
    # An adapter around a layer has these, too.
    return all(type(size) is int for size in sizes) and not any(
        hasattr(part, "in_features") for part in module.modules() if part is not module)


def _is_script(module: Any) -> bool:
    """Whether it is TorchScript, which runs without the Python of its layers."""
    return isinstance(module, torch.jit.ScriptModule)


def _list(patterns: Sequence[str] | str | None) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns or ())


def _refuse_sparse(model: nn.Module, found: dict[str, Layer], wanted: list[str]) -> None:
    """Raise ValueError if all layers that are asked for, or could be sparse, are so already."""
    sparse = [name for name, module in model.named_modules(remove_duplicate=False)
              if isinstance(module, SparseInput)]
    sparse += [name for name, layer in found.items() if layer.why == _SPARSE]
    left = [name for name, layer in found.items() if not (layer.never if wanted else layer.why)]
    for pattern in wanted or ["*"]:
        held = [name for name in sparse if matches(name, pattern)]
        if held and not any(matches(name, pattern) for name in left):
            raise refuse_sparse(held[0])


def choose(model: nn.Module, layers: Sequence[str] | str | None = None,
           ignore: Sequence[str] | str | None = None) -> tuple[dict[str, nn.Linear],
                                                               dict[str, str]]:
    """Return the layers that become sparse, by name, and why each of the others stays dense.

    Parameters and errors are those of ``find_layers``.
    """
    found = linear_layers(model)
    kinds = sorted({name.rpartition(".")[2] for name, layer in found.items() if not layer.never})
    there = f"(there are {', '.join(kinds) or 'none'})"
    wanted, ignored = _list(layers), _list(ignore)
    if layers is not None and not wanted:
        raise ValueError("layers must have at least one pattern, or be None for all, not "
                         f"{layers!r}")
    _refuse_sparse(model, found, wanted)
    for pattern in wanted:
        held = [name for name in found if matches(name, pattern)]
        if not held:
            raise ValueError(f"layers must match a linear layer of the model {there}, "
                             f"not {pattern!r}")
        if all(found[name].never for name in held):
            raise ValueError(f"layers must match a layer that can be sparse {there}, not "
                             f"{pattern!r} ({held[0]}: {found[held[0]].why})")
    for pattern in ignored:
        if not any(matches(name, pattern) for name in found):
            raise ValueError(f"ignore must match a linear layer of the model {there}, "
                             f"not {pattern!r}")
    chosen, dense = {}, {}
    for name, layer in found.items():
        if layer.never:
            dense[name] = layer.why
        elif any(matches(name, pattern) for pattern in ignored):
            dense[name] = "ignored"
        elif wanted and not any(matches(name, pattern) for pattern in wanted):
            dense[name] = "not in layers"
        elif layer.why and not wanted:
            dense[name] = layer.why
        else:
            chosen[name] = layer.module
    if not chosen and found and not (wanted or ignored):
        name, why = next(iter(dense.items()))
        raise ValueError("layers must match a layer that can be sparse, not only ones that stay "
                         f"dense ({name}: {why})")
    if not chosen:
        raise ValueError(f"layers must match a linear layer of the model {there}, "
                         f"not {layers!r}{' less ' + repr(ignored) if ignored else ''}")
    return chosen, dense


def find_layers(model: nn.Module, layers: Sequence[str] | str | None = None,
                ignore: Sequence[str] | str | None = None) -> dict[str, nn.Linear]:
    """Return the linear layers inside a model that ``sparsify`` would make sparse, by name.

    Without ``layers`` these are all but heads (the model's own ``get_output_embeddings``, what
    stands beside its body, and the usual names), routers of experts, adapters of PEFT,
    ``out_proj`` of ``nn.MultiheadAttention``, and, in a model of several, what is not of its
    language model: towers for images or sound, and projectors.

    A layer of several names is found under each. ``Conv1D``, which GPT-2 has in their place, counts
    as one. Experts that share a parameter are named one by one; their modules are in the model
    only within ``sw.methods.experts.separated``.

    Parameters
    ----------
    model : nn.Module
        Any model.
    layers : sequence of str, optional
        Patterns of which a whole name must match one, such as ``"*.mlp.*"`` or ``"*down_proj"``.
        They reach towers and projectors too.
    ignore : sequence of str, optional
        Patterns of layers that stay dense.

    Raises
    ------
    ValueError
        If a pattern matches no layer, or none that can be sparse, or nothing remains.
    """
    return choose(model, layers, ignore)[0]
