"""The order of the beats in a job's streams, in one place."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import Design
from hw.fixed_point import CHANNEL_BYTES
from sw.exact.formats import to_bits


__all__ = ["Beats", "Pass", "activation_beats", "channel_beats", "coefficient_beats",
           "column_tiles", "ordered_activations", "ordered_weights", "passes", "result_tensor",
           "signed_values", "term_beats", "token_beats", "weight_beats"]


@dataclass(frozen=True)
class Beats:
    """Beats of a stream: ``data`` uint8 [count, bytes], ``last`` (tlast) bool [count]."""

    data: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, packets: list[Tensor]) -> "Beats":
        """Join packets of bytes [..., blocks, values]; ``last`` is on the last block of each."""
        width = packets[0].shape[-1]
        last = []
        for packet in packets:
            ends = np.zeros(packet.shape[:-1], bool)
            ends[..., -1] = True
            last.append(ends.reshape(-1))
        data = torch.cat([packet.reshape(-1, width) for packet in packets])
        return cls(data.numpy().view(np.uint8), np.concatenate(last))


@dataclass(frozen=True)
class Pass:
    """One batch of tokens against one tile of columns, over one chunk of the input features."""

    tokens: slice
    tile: int
    blocks: slice


def column_tiles(design: Design, outputs: int) -> int:
    """Tiles of columns that hold ``outputs`` output features."""
    return -(-outputs // design.columns)


def passes(design: Design, tokens: int, blocks: int, tiles: int) -> Iterator[Pass]:
    """Passes of a job in the order of the hardware: batches, tiles, chunks.

    A token that does not fit the buffer is cut into chunks; a batch is then one group of rows.
    """
    chunk = design.max_blocks
    batch = design.rows if blocks > chunk else design.batch_tokens
    for token in range(0, tokens, batch):
        for tile in range(tiles):
            for block in range(0, blocks, chunk):
                yield Pass(slice(token, min(token + batch, tokens)), tile,
                           slice(block, min(block + chunk, blocks)))


def _blocks(x: Tensor, design: Design, padding: int = 0) -> Tensor:
    """int8 [T, K] to [T, blocks, M], the padding after the last feature."""
    m = design.pattern.m
    return pad(x, (0, -x.shape[1] % m), value=padding).reshape(len(x), -1, m)


def activation_beats(x: Tensor, outputs: int, design: Design, static_shift: int = 0) -> Beats:
    """Beats of ``s_axis_act`` for int8 ``x`` [T, K] and a layer of ``outputs`` features.

    Chunks of tokens that do not fit the buffer come again for every tile; others come once. The
    last block is filled with the static shift, which is then subtracted: padding is 0 when values
    are selected, and never displaces one.
    """
    return ordered_activations(_blocks(x, design, static_shift), outputs, design)


def ordered_activations(blocks: Tensor, outputs: int, design: Design) -> Beats:
    """Beats of blocks [T, blocks, bytes] of tokens, in the order of ``s_axis_act``."""
    count, tiles = blocks.shape[1], column_tiles(design, outputs)
    again = tiles if count > design.max_blocks else 1
    return Beats.of([blocks[part.tokens, part.blocks]
                     for part in passes(design, len(blocks), count, again)])


def weight_beats(weight: Tensor, tokens: int, design: Design) -> Beats:
    """Beats of ``s_axis_weight`` for int8 ``weight`` [O, K], which come again for every batch.

    Columns of the last tile that have no output feature are zero.
    """
    columns = design.columns
    blocks = _blocks(pad(weight, (0, 0, 0, -len(weight) % columns)), design)
    tiles = blocks.reshape(-1, columns, *blocks.shape[1:]).transpose(1, 2)
    return ordered_weights(tiles.reshape(*tiles.shape[:2], -1), tokens, design)


def ordered_weights(tiles: Tensor, tokens: int, design: Design) -> Beats:
    """Beats of tiles of columns [tiles, blocks, bytes], in the order of ``s_axis_weight``."""
    return Beats.of([tiles[part.tile, part.blocks]
                     for part in passes(design, tokens, tiles.shape[1], len(tiles))])


def token_beats(scale: Tensor) -> Beats:
    """Beats of ``s_axis_token`` for the scales int64 [T, 1] of the tokens: one packet."""
    words = scale.reshape(-1).numpy().astype("<u2")
    return _packet(words.view(np.uint8).reshape(-1, 2))


def coefficient_beats(factors: Tensor | None, shifts: Tensor | None, features: int,
                      design: Design) -> Beats:
    """Beats of ``s_axis_coef``: factors of the score and shifts, integers [K], of every channel.

    One packet. Factors that are not given are 1, shifts 0.
    """
    parts = []
    for given, default, width in ((factors, 1, design.coefficients),
                                  (shifts, 0, 8 if design.shift == "channel" else 0)):
        values = torch.full((features,), default) if given is None else given.long()
        blocks = _blocks(values[None], design)[0].numpy()
        bits = blocks[..., None] >> np.arange(width) & 1
        parts.append(bits.reshape(len(blocks), -1).astype(np.uint8))
    return _packet(np.packbits(np.concatenate(parts, axis=1), axis=1, bitorder="little"))


def channel_beats(scale: Tensor, shift: Tensor, bias: Tensor, tokens: int, blocks: int,
                  design: Design) -> Beats:
    """Beats of ``s_axis_channel`` for the terms int64 [O] of the output features.

    One for each tile, which come again for every batch, and all of them one packet.
    """
    words = scale | shift << 16 | (bias & 0xFFFFFF) << 24
    return _tiled(words, CHANNEL_BYTES, tokens, blocks, design)


def term_beats(terms: tuple[Tensor | None, Tensor], tokens: int, blocks: int, design: Design
               ) -> Beats:
    """The same of an accelerator in floats: scales, if any, and biases [O], as its results are."""
    scale, bias = terms
    words = to_bits(bias, design.result_format)
    if scale is not None:
        words = to_bits(scale, design.result_format) | words << design.result_bits
    return _tiled(words, design.term_bits // 8, tokens, blocks, design)


def _tiled(words: Tensor, size: int, tokens: int, blocks: int, design: Design) -> Beats:
    """Beats of ``size`` bytes [O] for each output feature, in the order of the results."""
    words = pad(words, (0, -len(words) % design.columns))
    low = words.numpy().astype("<u8").view(np.uint8).reshape(-1, 8)[:, :size]
    tiles = low.reshape(-1, design.columns * size)
    order = [part.tile for part in passes(design, tokens, blocks, len(tiles))
             if not part.blocks.start]
    return _packet(tiles[order])


def _packet(data: np.ndarray) -> Beats:
    """Beats of which the last one has ``tlast``."""
    return Beats(data, np.arange(1, len(data) + 1) == len(data))


def result_tensor(results: Beats, tokens: int, features: int, outputs: int,
                  design: Design) -> Tensor:
    """Beats of ``m_axis_result`` to int64 [T, O].

    Raises
    ------
    ValueError
        If ``tlast`` is not on the last token of each batch and tile, or of the job, as the
        design's packets are.
    """
    blocks, tiles = design.pattern.blocks(features), column_tiles(design, outputs)
    values = signed_values(results.data, design)
    y = np.zeros((tokens, tiles, design.columns), np.int64)
    done = 0
    for part in passes(design, tokens, blocks, tiles):
        if part.blocks.start:
            continue
        end = done + part.tokens.stop - part.tokens.start
        ends = design.packets == "batch" or end == len(results.last)
        if results.last[done:end].tolist() != [False] * (end - done - 1) + [ends]:
            packet = {"batch": "each batch and tile", "job": "the job"}[design.packets]
            raise ValueError(f"results must have tlast on the last token of {packet}, not "
                             f"elsewhere: beats {done} to {end - 1}")
        y[part.tokens, part.tile] = values[done:end]
        done = end
    return torch.from_numpy(y.reshape(tokens, -1)[:, :outputs])


def signed_values(beats: np.ndarray, design: Design) -> np.ndarray:
    """Sign-extended values [count, columns] of result beats."""
    columns, width = design.columns, design.result_bits
    if width == 32:
        return beats[:, :4 * columns].copy().view("<i4").astype(np.int64)
    bits = np.unpackbits(beats, axis=1, bitorder="little")[:, :columns * width]
    bits = bits.reshape(len(beats), columns, width).astype(np.int64)
    weights = np.left_shift(np.int64(1), np.arange(width))
    weights[-1] = -weights[-1]
    return bits @ weights
