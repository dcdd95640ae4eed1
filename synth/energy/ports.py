"""What stands around an accelerator of gates: memories, streams, and software at its registers."""

from collections.abc import Sequence

import numpy as np

from hw.registers import offset_of
from synth.flow.gates import Gates


__all__ = ["Memory", "Stream", "Writes"]


class Memory:
    """A memory as ``hw.stream.memory`` has it: what is read is there a cycle later, and stays.

    Parameters
    ----------
    gates : Gates
        The design that it stands outside of.
    path : str
        Its place there.
    """

    def __init__(self, gates: Gates, path: str):
        self.path = path
        size = gates.outside[path].rpartition("_")[2]
        self.words, self.bits = map(int, size.split("x"))
        self.read_data = gates.inputs[f"{path}.read_data"]
        self.nets = {name: np.array(gates.outputs[f"{path}.{name}"]) for name in (
            "read_address", "read_enable", "write_address", "write_data", "write_enable")}
        self.places = 1 << np.arange(len(self.nets["read_address"]))
        self.content = np.zeros((1 << len(self.places), self.bits), np.uint8)

    def drive(self, before: np.ndarray, now: np.ndarray) -> tuple[bool, bool]:
        """Take a clock edge; say whether a word was read, and whether one was written."""
        nets = self.nets
        read, write = (bool(before[nets[f"{way}_enable"][0]]) for way in ("read", "write"))
        if read:
            now[self.read_data] = self.content[before[nets["read_address"]] @ self.places]
        if write:
            self.content[before[nets["write_address"]] @ self.places] = before[nets["write_data"]]
        return read, write


class Stream:
    """A stream that offers its beats as fast as they are taken.

    Parameters
    ----------
    gates : Gates
        The design.
    name : str
        Of the stream's ports, without ``_tdata`` and so on.
    beats : ndarray
        Bits of ``tdata``, [beats, bits]; ports may have more.
    last : ndarray
        ``tlast``, [beats].
    """

    def __init__(self, gates: Gates, name: str, beats: np.ndarray, last: np.ndarray):
        self.ready = gates.outputs[f"{name}_tready"][0]
        self.valid, self.tlast = (gates.inputs[f"{name}_{pin}"][0] for pin in ("tvalid", "tlast"))
        self.data = gates.inputs[f"{name}_tdata"][:beats.shape[1]]
        self.beats, self.last = beats, last
        self.at = 0

    def drive(self, before: np.ndarray, now: np.ndarray) -> bool:
        """Take a clock edge; say whether beats are left."""
        self.at += bool(before[self.valid] & before[self.ready])
        left = self.at < len(self.beats)
        now[self.valid] = left
        if left:
            now[self.data], now[self.tlast] = self.beats[self.at], self.last[self.at]
        return left


class Writes:
    """Software that writes registers, one after the other.

    Parameters
    ----------
    gates : Gates
        The design.
    values : sequence
        Names of registers and what is written into them.
    """

    def __init__(self, gates: Gates, values: Sequence[tuple[str, int]]):
        self.inputs = {name: gates.inputs[f"s_axil_{name}"] for name in (
            "awaddr", "awvalid", "wdata", "wstrb", "wvalid", "bready")}
        self.outputs = {name: gates.outputs[f"s_axil_{name}"][0] for name in (
            "awready", "wready", "bvalid")}
        self.waiting = [(offset_of(name), value) for name, value in values]
        self.busy = False

    def drive(self, before: np.ndarray, now: np.ndarray) -> None:
        """Take a clock edge."""
        inputs, outputs = self.inputs, self.outputs
        for channel in ("aw", "w"):
            if before[outputs[f"{channel}ready"]]:
                now[inputs[f"{channel}valid"]] = 0
        now[inputs["bready"]] = now[inputs["wstrb"]] = 1
        self.busy &= not before[outputs["bvalid"]]
        if not self.busy and self.waiting:
            address, value = self.waiting.pop(0)
            for name, given in (("awaddr", address), ("wdata", value)):
                now[inputs[name]] = given >> np.arange(len(inputs[name])) & 1
            now[inputs["awvalid"]] = now[inputs["wvalid"]] = 1
            self.busy = True
