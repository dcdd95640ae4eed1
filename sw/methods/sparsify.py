"""One call to run a model with sparse activations, and one to take it back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from sw.methods.coverage import table
from sw.methods.layers import choose, find_layers, matches
from sw.methods.method import Method, by_layer
from sw.methods.sparse_layer import SparseInput
from sw.methods.sparsified import Sparsified
from sw.methods.wrapping import SelectedInput, make_sparse


__all__ = ["Sparsified", "find_layers", "layer_patterns", "make", "sparsify"]


def layer_patterns(pattern: str | Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the pattern of every layer that has one: of the first key that matches its name.

    ValueError if a key gives no layer its pattern.
    """
    keys = by_layer(pattern)
    found = {}
    for name in names:
        key = next((key for key in keys if matches(name, key)), None)
        if key is not None:
            found[name] = key
    for key in keys:
        if key not in found.values():
            late = any(matches(name, key) for name in found)
            raise ValueError("pattern must have names that match a layer which becomes sparse, "
                             f"{'the more special ones first, ' if late else ''}not {key!r}")
    return {name: keys[key] for name, key in found.items()}


def _seen(names: Iterable[str], method: Method, statistics: Mapping[str, Any]) -> list[str]:
    """Names of the layers that statistics know, where the method takes any from them."""
    used = method.criterion == "clact" or {"s-pts", "larosa", "smooth"} & set(method.corrections)
    names = list(names)
    if not used or not statistics:
        return names
    seen = [name for name in names if name in statistics]
    if not seen:
        raise ValueError(f"statistics must be of layers that become sparse, such as {names[0]}, "
                         f"not only of others, such as {min(statistics)}")
    return seen


def make(model: nn.Module, layers: Mapping[str, nn.Linear], methods: Mapping[str, Method],
         dense: Mapping[str, str], statistics: Mapping[str, Mapping[str, Tensor]] | None,
         learned: Mapping[str, Mapping[str, Tensor]] | None) -> Sparsified:
    """Make layers of a model sparse, each with a method of its own.

    ``dense`` tells why others stay dense. Errors are those of ``sparsify``.
    """
    if learned is not None and set(learned) != set(layers):
        odd = min(set(learned) ^ set(layers))
        raise ValueError("learned must be of the layers that are made sparse, not of others "
                         f"(such as {odd})")
    sparse: dict[str, SparseInput] = {}
    same: dict[int, SparseInput] = {}
    for name, layer in layers.items():
        made = make_sparse(name, layer, methods[name], (statistics or {}).get(name),
                           None if learned is None else learned[name])
        if isinstance(made, SelectedInput):  # one hook, under whatever names
            made = same.setdefault(id(layer), made)
        sparse[name] = made
    about = {name: methods[name].pattern + (f", before the forward of {type(layer).__name__}"
                                            if isinstance(sparse[name], SelectedInput) else "")
             for name, layer in layers.items()}
    result = Sparsified(model, sparse, dict(layers), table(model, about, dense))
    result.place()
    return result


def sparsify(model: nn.Module, pattern: str | Mapping[str, str] = "8:16", criterion: str = "act",
             corrections: Sequence[str] = (), layers: Sequence[str] | None = None, *,
             ignore: Sequence[str] | None = None,
             statistics: Mapping[str, Mapping[str, Tensor]] | None = None,
             learned: Mapping[str, Mapping[str, Tensor]] | None = None,
             integer: bool = False, format: str = "none",
             selection: str = "before") -> Sparsified:
    """Replace linear layers of a model by sparse ones that share their parameters.

    Parameters
    ----------
    model : nn.Module
        Any model with ``nn.Linear`` layers; changed in place until ``remove``.
    pattern : str or mapping
        ``"N:M"``, or ``"unstructured-P"`` to drop P % of every token. Or one for each layer: the
        first whose key matches the layer's name, as in ``{"*.down_proj": "16:32", "*": "8:16"}``;
        a layer that none matches stays dense. Also as text, ``"*.down_proj=16:32+*=8:16"``.
    criterion : str
        ``act``, ``clact``, ``amber``, ``wina``, ``variance``; ``weight`` prunes weights.
    corrections : sequence of str
        From ``sw.methods.corrections.CORRECTIONS``, with a format also ``sharq``; or one string,
        such as ``"d-pts+var"``.
    layers, ignore : sequence of str, optional
        As in ``find_layers``, which also tells what stays dense by default.
    statistics : mapping, optional
        Result of ``sw.methods.observe.observe``; S-PTS and LaRoSA need it. Where a method takes a
        statistic, layers that were never called while observed stay dense.
    learned : mapping, optional
        Learned parameters of every layer, from ``sw.methods.training.calibrate``
        or ``sw.calibrate.load_learned``.
    integer : bool
        Compute with the integers of the hardware.
    format, selection : str
        Number format of tokens and weights, one of ``hw.formats.QUANTIZED``, and whether selection
        stands ``before`` or ``after`` quantisation; as ``sw.methods.method.Method`` says.

    Returns
    -------
    Sparsified
        Its ``coverage`` tells which layers and parameters are sparse, and why others are not.

    Raises
    ------
    ValueError
        If a name is unknown, a pattern matches no layer, statistics are missing or of others,
        learned parameters are of other layers or another method, or a layer cannot be made sparse
        by this method; the model is then as it was.
    """
    names = corrections.split("+") if isinstance(corrections, str) else corrections
    first = next(iter(by_layer(pattern).values()), "")
    method = Method(first, criterion, tuple(names), integer, format, selection)
    chosen, dense = choose(model, layers, ignore)
    patterns = layer_patterns(pattern, chosen)
    seen = _seen(patterns, method, statistics or {})
    dense |= {name: "never called while observed" if name in patterns else "no pattern"
              for name in chosen if name not in seen}
    methods = {name: replace(method, pattern=patterns[name]) for name in seen}
    return make(model, {name: chosen[name] for name in seen}, methods, dense, statistics, learned)
