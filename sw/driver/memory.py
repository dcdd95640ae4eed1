"""A job's data as they lie in memory, for an accelerator that fetches them itself.

See ``docs/hw/bus.md`` for a picture of each layout. Everything here is bytes, uint8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import Design
from hw.layouts import alignment, element_bytes, mask_bits, rounded
from hw.registers import DESCRIPTOR_BYTES, DESCRIPTOR_TAG, descriptor_registers
from sw.driver.beats import (
    channel_beats,
    coefficient_beats,
    column_tiles,
    signed_values,
    token_beats,
)
from sw.driver.linear import Corrections, field_word, job_registers


__all__ = ["MemoryJob", "decoded", "descriptor", "memory_job", "needed_weights", "padded_elements",
           "result_bytes", "result_values", "token_bytes", "token_values", "weight_bytes",
           "weight_values"]


def token_bytes(x: Tensor, design: Design, static_shift: int = 0) -> np.ndarray:
    """int8 [T, K] to [T, stride]: tokens one after the other, each block an element.

    The last block is filled with the static shift, as :func:`sw.driver.beats.activation_beats`
    does it.
    """
    m, size = design.pattern.m, element_bytes(design)["act"]
    blocks = pad(x, (0, -x.shape[1] % m), value=static_shift).reshape(len(x), -1, m)
    return _bytes(pad(blocks, (0, size - m)), len(x))


def token_values(image: np.ndarray, features: int, design: Design) -> Tensor:
    """The reverse of :func:`token_bytes`."""
    size = element_bytes(design)["act"]
    blocks = torch.from_numpy(image.view(np.int8)).reshape(len(image), -1, size)
    return blocks[..., :design.pattern.m].reshape(len(image), -1)[:, :features]


def weight_bytes(weight: Tensor, design: Design) -> np.ndarray:
    """int8 [O, K] to [tiles, bytes]: for each feature a run of the tile's columns.

    A block of M features is an element: the features of a block, and the columns of a tile, are
    filled up to powers of two with zeros.
    """
    m, columns, size = design.pattern.m, design.columns, element_bytes(design)
    blocks = pad(weight, (0, -weight.shape[1] % m, 0, -len(weight) % columns))
    blocks = blocks.reshape(-1, columns, blocks.shape[1] // m, m).permute(0, 2, 3, 1)
    rows, across = size["act"], size["weight"] // size["act"]
    return _bytes(pad(blocks, (0, across - columns, 0, rows - m)), len(blocks))


def weight_values(image: np.ndarray, outputs: int, features: int, design: Design) -> Tensor:
    """The reverse of :func:`weight_bytes`."""
    m, columns, size = design.pattern.m, design.columns, element_bytes(design)
    rows, across = size["act"], size["weight"] // size["act"]
    blocks = torch.from_numpy(image.view(np.int8)).reshape(len(image), -1, rows, across)
    blocks = blocks[:, :, :m, :columns].permute(0, 3, 1, 2)
    return blocks.reshape(len(image) * columns, -1)[:outputs, :features]


def needed_weights(kept: Tensor, tiles: int, design: Design) -> np.ndarray:
    """Which of the bytes of :func:`weight_bytes` a job reads that decodes: bool [tiles, bytes].

    Parameters
    ----------
    kept : Tensor
        bool, [T, K]: what the job's tokens keep, K a multiple of M.
    tiles : int
        Of output columns; each of them is read in the same way.
    design : Design
        One with ``decode``.
    """
    m, size = design.pattern.m, element_bytes(design)["weight"]
    union = pad(kept.any(0).reshape(-1, m), (0, rounded(m) - m))
    parts = union.reshape(len(union), mask_bits(design), -1).any(-1)
    bytes_ = parts.reshape(1, -1, 1).expand(tiles, -1, size // mask_bits(design))
    return bytes_.reshape(tiles, -1).numpy()


def result_bytes(y: Tensor, design: Design) -> np.ndarray:
    """int64 [T, O] to [tiles, bytes]: tile by tile the tokens, each an element."""
    width, size = design.result_bits, element_bytes(design)["result"]
    tiles = pad(y, (0, -y.shape[1] % design.columns)).reshape(len(y), -1, design.columns)
    bits = tiles.transpose(0, 1).numpy()[..., None] >> np.arange(width) & 1
    image = np.packbits(bits.reshape(*bits.shape[:2], -1).astype(np.uint8), axis=2,
                        bitorder="little")
    return np.pad(image, ((0, 0), (0, 0), (0, size - image.shape[2]))).reshape(len(image), -1)


def result_values(image: np.ndarray, tokens: int, outputs: int, design: Design) -> Tensor:
    """The reverse of :func:`result_bytes`."""
    elements = image.reshape(len(image) * tokens, -1)
    y = signed_values(elements, design).reshape(len(image), tokens, design.columns)
    return torch.from_numpy(y).transpose(0, 1).reshape(tokens, -1)[:, :outputs]


def _bytes(values: Tensor, rows: int) -> np.ndarray:
    return values.contiguous().numpy().view(np.uint8).reshape(rows, -1)


def padded_elements(beats: np.ndarray, size: int) -> np.ndarray:
    """Beats [count, bytes] as elements."""
    return np.pad(beats, ((0, 0), (0, size - beats.shape[1])))


@dataclass(frozen=True)
class MemoryJob:
    """A layer as an accelerator with a bus takes it.

    Attributes
    ----------
    registers : dict of str to int
        Registers of the job, but for where things are.
    buffers : dict of str to ndarray
        What the accelerator reads, by the names of :data:`hw.layouts.STREAMS`, uint8.
    tokens, outputs, tiles : int
    result_size : int
        Bytes of the results.
    units : dict of str to int
        Bytes whose multiples addresses and strides have to be.
    """

    registers: dict[str, int]
    buffers: dict[str, np.ndarray]
    tokens: int
    outputs: int
    tiles: int
    result_size: int
    units: dict[str, int]

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of every buffer, that of the results included."""
        return {name: image.size for name, image in self.buffers.items()} | {
            "result": self.result_size}

    def placed(self, addresses: Mapping[str, int]) -> dict[str, int]:
        """All registers of the job, with its buffers at ``addresses``.

        Raises
        ------
        ValueError
            If an address is no multiple of its unit, if a buffer has none, or if two overlap.
        """
        ends = []
        for name, size in self.sizes.items():
            if name not in addresses:
                raise ValueError(f"addresses must have one of {name}, not only of "
                                 f"{', '.join(addresses)}")
            if addresses[name] < 0 or addresses[name] % self.units[name]:
                raise ValueError(f"address of {name} must be a multiple of {self.units[name]}, "
                                 f"not {addresses[name]}")
            ends.append((addresses[name], addresses[name] + size, name))
        ends.sort()
        for (_, end, first), (begin, _, second) in pairwise(ends):
            if begin < end:
                raise ValueError(f"address of {second} must be at least {end}, where {first} "
                                 f"ends, not {begin}")
        places = {f"{name.upper()}_LOW": addresses[name] & 0xFFFFFFFF for name in self.sizes}
        places |= {f"{name.upper()}_HIGH": addresses[name] >> 32 for name in self.sizes}
        return self.registers | places | {
            "ACT_STRIDE": self.buffers["act"].shape[1],
            "RESULT_STRIDE": self.result_size // self.tiles}


def memory_job(design: Design, x: Tensor, weight: Tensor,
               corrections: Corrections | None = None, *, decode: bool = False, **asked
               ) -> MemoryJob:
    """Make a job of a sparse linear layer; other parameters and errors as in ``run_linear``.

    With ``decode`` it reads only the weights of features that some token keeps; ValueError if the
    design, or the job, cannot.
    """
    given, size = corrections or Corrections(), element_bytes(design)
    registers = job_registers(design, x, weight, given, **asked)
    if decode:
        registers |= decoded(design, registers)
        if given.token_shift:
            raise ValueError("token_shift must be False with decode, as it needs all weights, not "
                             "True")
    buffers = {"act": token_bytes(x, design, given.static_shift),
               "weight": weight_bytes(weight, design)}
    if design.channel_bits and not given.keep_loaded:
        beats = coefficient_beats(given.factors, given.shifts, x.shape[1], design)
        buffers["coef"] = padded_elements(beats.data, size["coef"])
    if given.token_scale is not None:
        buffers["token"] = token_beats(given.token_scale).data
    if given.needs_channels and given.channels is not None:
        terms = given.channels
        beats = channel_beats(terms.scale, terms.shift, terms.bias, 1, 1, design)
        buffers["channel"] = padded_elements(beats.data, size["channel"])
    tiles = column_tiles(design, len(weight))
    return MemoryJob(registers, buffers, len(x), len(weight), tiles,
                     tiles * len(x) * size["result"], alignment(design))


def decoded(design: Design, registers: Mapping[str, int]) -> dict[str, int]:
    """Registers of a job that decodes; ValueError if it cannot."""
    tokens, blocks = registers["TOKENS"], registers["K_BLOCKS"]
    if not design.decode:
        raise ValueError("decode must be False, as the design has none, not True")
    if tokens > design.decode_tokens:
        raise ValueError(f"x must have at most {design.decode_tokens} tokens with decode, not "
                         f"{tokens}")
    if blocks > design.max_blocks:
        raise ValueError(f"x must have at most {design.max_blocks * design.pattern.m} input "
                         f"features with decode, not {blocks * design.pattern.m}")
    return {"DECODE_MODE": field_word("DECODE_MODE", decode=1)}


def descriptor(registers: Mapping[str, int], *, interrupt: bool = False,
               design: Design | None = None) -> np.ndarray:
    """Bytes of the descriptor of a job; registers that are not given are 0.

    The design matters only where it is one of floats.
    """
    described = descriptor_registers(True) if design is None else descriptor_registers(
        design.decode, design.number.integer, design.tensor_scaled)
    words = [DESCRIPTOR_TAG << 8 | interrupt, *(registers.get(one.name, 0) for one in described)]
    image = np.zeros(DESCRIPTOR_BYTES, np.uint8)
    image[:4 * len(words)] = np.array(words, "<u4").view(np.uint8)
    return image
