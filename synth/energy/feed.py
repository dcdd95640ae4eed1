"""What comes in at the ports of a design in every cycle, from its operands."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Shape

from hw.array.row import RowDecoder, SharedLayout
from hw.config import Design, choice
from hw.generate.emit import to_verilog
from synth.energy.circuit import Circuit
from synth.energy.operands import Operands, check_format
from synth.flow import Flow


__all__ = ["Feed", "Steps", "feed"]


@dataclass(frozen=True)
class Steps:
    """Blocks of several rows and columns, one step of an array for each cycle.

    Attributes
    ----------
    blocks, masks, values : ndarray
        Activations [cycles, rows, m], int8, which of them are kept, and these [cycles, rows, n].
    weights : ndarray
        [cycles, columns, m], int8.
    start, last : ndarray
        Whether a step begins or ends a sum, [cycles].
    """

    blocks: np.ndarray
    masks: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    start: np.ndarray
    last: np.ndarray


@dataclass(frozen=True)
class Feed:
    """Bits of the input ports, [cycles, bits], and what a cycle does.

    ``products`` are products of the dense layer, ``blocks`` blocks that are compressed.
    """

    ports: dict[str, np.ndarray]
    products: int = 0
    blocks: int = 0


def bits(values: np.ndarray, width: int) -> np.ndarray:
    """Bits of integers [cycles, ...], lowest first, one after the other: [cycles, bits]."""
    turned = values.astype(np.int64)[..., None] >> np.arange(width) & 1
    return turned.reshape(len(values), -1).astype(np.uint8)


def kept(blocks: np.ndarray, keep: int) -> np.ndarray:
    """Which values [..., m] are the ``keep`` of largest magnitude, the first of equal ones."""
    order = np.argsort(-np.abs(blocks.astype(int)), axis=-1, kind="stable")[..., :keep]
    mask = np.zeros(blocks.shape, bool)
    np.put_along_axis(mask, order, True, axis=-1)
    return mask


def steps(design: Design, operands: Operands, cycles: int, rows: int, columns: int,
          seed: int) -> Steps:
    """Whole sums of tokens and output columns, chosen at random, for at least ``cycles`` steps."""
    pattern, rng = design.pattern, np.random.default_rng(seed)
    features = operands.activations.shape[1]
    padded = -features % pattern.m
    activations, weights = (
        np.pad(part, ((0, 0), (0, padded))).reshape(len(part), -1, pattern.m)
        for part in (operands.activations, operands.weights))
    each = activations.shape[1]
    sums = -(-cycles // each)
    tokens = rng.integers(len(activations), size=(sums, rows))
    outputs = rng.integers(len(weights), size=(sums, columns))
    # [sums, rows, blocks, m] to [cycles, rows, m]
    dense, loaded = (part[chosen].swapaxes(1, 2).reshape(sums * each, -1, pattern.m)
                     for part, chosen in ((activations, tokens), (weights, outputs)))
    masks = kept(dense, pattern.n)
    place = np.arange(sums * each) % each
    return Steps(dense, masks, dense[masks].reshape(sums * each, rows, pattern.n), loaded,
                 place == 0, place == each - 1)


def _pe(design: Design, operands: Operands, cycles: int, seed: int, flow: Flow) -> Feed:
    """A PE takes what the decoder of its row gives."""
    given = steps(design, operands, cycles, 1, 1, seed)
    decoder = Circuit(flow.gates(to_verilog(RowDecoder(design), "nm_row"), "nm_row"), flow.library)
    ports = {"values": bits(given.values, 8), "start": given.start[:, None],
             "step": np.ones((len(given.start), 1), bool)}
    if not design.pattern.dense:
        ports["mask"] = given.masks[:, 0]
    shared = decoder.settle(ports)[:, decoder.gates.outputs["shared"]]
    widths = {name: Shape.cast(field.shape).width for name, field in SharedLayout(design)}
    ends = np.cumsum(list(widths.values()))
    fields = dict(zip(widths, np.split(shared, ends[:-1], axis=1), strict=True))
    if design.registers_gathered:  # digits wait for weights that are registered behind the gather
        fields |= {name: np.roll(fields[name], 1, axis=0)
                   for name in ("digits", "correction", "keep")}
    return Feed({**fields, "weights": bits(given.weights, 8)}, products=design.pattern.m)


def _array(design: Design, operands: Operands, cycles: int, seed: int, flow: Flow) -> Feed:
    """Tiles work one cycle after the other; results leave at once."""
    rows, columns = design.rows, design.columns
    given = steps(design, operands, cycles, rows, columns, seed)
    if (each := int(np.argmax(given.last)) + 1) < rows:
        raise ValueError(f"rows must be at most the {each} steps of a sum, not {rows}")

    def skewed(signal: np.ndarray, axis: int) -> np.ndarray:
        """Delay [cycles, rows or columns, ...] by a cycle for each tile before."""
        return np.stack([np.roll(signal[:, k], k // design.tile, axis=0)
                         for k in range(axis)], axis=1)

    def told(signal: np.ndarray) -> np.ndarray:
        return np.stack([np.roll(signal, tile) for tile in range(design.row_tiles)], axis=1)

    ports = {"values": bits(skewed(given.values, rows), 8),
             "weights": bits(skewed(given.weights, columns), 8),
             "step": np.ones((len(given.start), design.row_tiles), bool),
             "start": told(given.start), "last": told(given.last),
             "m_axis_tready": np.ones((len(given.start), 1), bool)}
    if not design.pattern.dense:
        ports["masks"] = skewed(given.masks, rows).reshape(len(given.start), -1)
    return Feed(ports, products=rows * columns * design.pattern.m)


def _compressor(design: Design, operands: Operands, cycles: int, seed: int, flow: Flow) -> Feed:
    """A block comes in, and one leaves, in every cycle."""
    if design.channel_bits or design.flexible != "none" or design.unstructured:
        raise ValueError("design must be a compressor of one pattern without channel parameters "
                         f"for energies, not {design.options}")
    if design.selector == "serial" and not design.pattern.dense:
        raise ValueError("selector must take a block in every cycle for energies, not "
                         f"{design.selector}")
    given = steps(design, operands, cycles, 1, 1, seed)
    always = np.ones((len(given.last), 1), bool)
    return Feed({"s_axis_tdata": bits(given.blocks, 8), "s_axis_tvalid": always,
                 "s_axis_tlast": given.last[:, None], "m_axis_tready": always}, blocks=1)


_FEEDS: dict[str, Callable[[Design, Operands, int, int, Flow], Feed]] = {
    "pe": _pe, "array": _array, "compressor": _compressor}


def feed(name: str, design: Design, operands: Operands, *, cycles: int, seed: int,
         flow: Flow) -> Feed:
    """Return what comes in at the ports of a design.

    Parameters
    ----------
    name : str
        ``pe``, ``array`` or ``compressor``.
    design : Design
        With int8 operands.
    operands : Operands
        Where tokens and output columns are taken from.
    cycles : int
        At least so many; sums are whole.
    seed : int
        Of the choice of tokens and columns.
    flow : Flow
        For what stands before a PE.

    Raises
    ------
    ValueError
        If the design has no feed, or other operands.
    """
    choice("design", name, tuple(_FEEDS))
    check_format(design)
    return _FEEDS[name](design, operands, cycles, seed, flow)
