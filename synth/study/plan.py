"""Which designs a study synthesises: parts as they are, and accelerators that do the same work."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hw.config import PIPELINES, SELECTORS, Design, Pattern
from synth.study.curves import MAIN
from synth.study.formats import in_format


__all__ = ["DESIGNS", "MAX_K", "plan"]


DESIGNS = ("selector", "pe", "array", "accelerator")
"""What a study has rows of."""

MAX_K = 16384
"""Longest token of an accelerator: most layers of the models fit, up to 14,336 of Llama 3.1."""

MOST = 64
"""Rows of an array at most."""

Named = tuple[str, Design]


def plan(names: Sequence[str], patterns: Sequence[Pattern], *, columns: int = 4,
         products: int = 512, max_k: int = MAX_K, selectors: Sequence[str] = ("rank", "radix"),
         pipelines: Sequence[str] = PIPELINES, formats: Sequence[str] = (MAIN,)) -> list[Named]:
    """Names and parameters of designs, each once, dense ones too.

    Selectors have a row for every structure, PEs and 4 x 4 arrays their dense baseline, lane for
    lane. Accelerators all do the same number of products of the dense layer in a cycle, and hold
    the same: batch, longest token and columns, whose weights the buffer holds, are equal, so those
    of larger blocks have fewer rows. Dense ones with as many lanes as any of the patterns has
    lanes, or values in a block, are what they are compared with, but for those of more rows than
    tokens in a batch.

    Parameters
    ----------
    names : sequence of str
        Of :data:`DESIGNS`.
    patterns : sequence of Pattern
        What is compared.
    columns, products : int
        Columns of an accelerator, and products that it does in a cycle, kept or not.
    max_k : int
        Longest token that its buffers hold.
    selectors : sequence of str
        Structures of the accelerators' selectors.
    pipelines : sequence of str
        Where weights of sparse PEs, arrays and accelerators are registered.
    formats : sequence of str
        Of :data:`synth.study.formats.NUMBERS`; a design that is not there in one is left out.

    Raises
    ------
    ValueError
        If columns times the block of a pattern do not divide the products, or leave more rows
        than there can be.
    """
    found: dict[Named, None] = {}
    for name in names:
        made = [design for pattern in patterns for design in (
            _accelerators(pattern, columns, products, selectors, pipelines)
            if name == "accelerator" else _parts(name, pattern, pipelines))]
        if name == "accelerator":
            made += _dense(patterns, columns, products)
        for numbers in formats:
            for design in made:
                built = in_format(name, _held(name, design, max_k), numbers)
                if built is not None:
                    found[name, built] = None
    return list(found)


def _held(name: str, design: Design, max_k: int) -> Design:
    """A design without what it does not have; of accelerators with their longest token."""
    return replace(design, max_k=max_k) if name == "accelerator" else design.only(name)


def _parts(name: str, pattern: Pattern, pipelines: Sequence[str]) -> Iterator[Design]:
    if name == "selector":
        for selector in () if pattern.dense else SELECTORS:
            yield Design(pattern, selector=selector)
        return
    if pattern.has_baseline:
        yield Design(pattern).baseline
    for pipeline in _ways(pattern, pipelines):
        yield Design(pattern, pipeline=pipeline)


def _ways(pattern: Pattern, pipelines: Sequence[str]) -> Sequence[str]:
    """Pipelines that tell designs apart: a dense one gathers nothing."""
    return [Design(pattern).pipeline] if pattern.dense else pipelines


def _accelerators(pattern: Pattern, columns: int, products: int, selectors: Sequence[str],
                  pipelines: Sequence[str]) -> Iterator[Design]:
    rows, rest = divmod(products, columns * pattern.m)
    if rest or not 1 <= rows <= MOST:
        raise ValueError(f"products must be {columns * pattern.m} times 1 to {MOST} for {pattern} "
                         f"on {columns} columns, not {products}")
    for pipeline in _ways(pattern, pipelines):
        for selector in selectors[:1] if pattern.dense else selectors:
            yield Design(pattern, rows=rows, columns=columns, selector=selector, pipeline=pipeline)


def _dense(patterns: Sequence[Pattern], columns: int, products: int) -> Iterator[Design]:
    """Dense accelerators that do as much: lanes times rows."""
    lanes = {number for pattern in patterns for number in (pattern.n, pattern.m)}
    for number in sorted(lanes):
        rows, rest = divmod(products, columns * number)
        if number > 1 and not rest and 1 <= rows <= Design(patterns[0]).batch_tokens:
            yield Design(Pattern(number, number), rows=rows, columns=columns)
