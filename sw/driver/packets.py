"""What a job's streams bring, taken apart, and its results put together."""

import numpy as np
import torch
from torch import Tensor

from hw.config import Design
from sw.driver.beats import Beats


__all__ = ["numbers", "packed", "packet", "place"]


def numbers(bits: np.ndarray, count: int) -> Tensor:
    """Bits [blocks, count * width], lowest first, to unsigned numbers int64 [blocks * count]."""
    split = torch.from_numpy(bits.reshape(len(bits) * count, -1).astype(np.int64))
    return (split << torch.arange(split.shape[1])).sum(-1)


def packet(inputs: dict[str, Beats], name: str, count: int) -> np.ndarray:
    """Data of the one packet that a job brings of a stream.

    Raises
    ------
    RuntimeError
        If it has not ``count`` beats, or ``last`` elsewhere than on the last of them.
    """
    beats = inputs[name]
    ends = np.arange(1, count + 1) == count
    if not np.array_equal(beats.last, ends):
        raise RuntimeError(f"the job takes one packet of {count} beats of {name}")
    return beats.data


def place(beats: Beats, places: list[tuple[np.ndarray, tuple]]) -> None:
    """Put the beats of a stream, one after the other, into parts of arrays."""
    done = 0
    for array, index in places:
        count = array[index].size // beats.data.shape[1]
        array[index] = beats.data[done:done + count].view(np.int8).reshape(array[index].shape)
        done += count
    if done != len(beats.data):
        raise RuntimeError(f"the job takes {done} beats, not {len(beats.data)}")


def packed(values: Tensor, design: Design) -> np.ndarray:
    """Beats of results int64 [count, columns], each of them ``result_bits`` bits."""
    width = design.result_bits
    bits = values.numpy()[..., None] >> np.arange(width) & 1
    return np.packbits(bits.astype(np.uint8).reshape(len(values), -1), axis=1, bitorder="little")
