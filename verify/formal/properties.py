"""Everything that is proved, declared in one place."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from amaranth.hdl import signed
from amaranth.lib import data

from hw.array.binary32 import RoundRow
from hw.bus.room import run_bits
from hw.compressor.compact_stage import CompactStage, FinishStage
from hw.compressor.compressor import Compressor
from hw.compressor.decompressor import Decompressor
from hw.compressor.nvfp4 import NvquantizeStage
from hw.compressor.quantizer import ConvertStage, QuantizeStage
from hw.compressor.score import ScoreStage
from hw.compressor.select_stage import SelectStage
from hw.compressor.shared_scale import MeasuredBlock, SharedLargest
from hw.config import ENCODINGS, Design, Pattern
from hw.epilogue.float_lane import FloatLane
from hw.epilogue.lane import Lane
from hw.epilogue.tensor_scale import TensorScale
from hw.formats import BLOCK_FORMATS, FORMATS
from hw.generate.tops import make_top
from hw.layouts import element_bytes
from hw.selector.count import lift_bits
from hw.stream.axi_lite import RegisterBlock
from hw.stream.fifo import StreamFifo
from hw.stream.register import StreamRegister
from verify.formal.axi4 import BurstsClaim, ReadsClaim, WritesClaim
from verify.formal.bus import BusClaim, RegisterClaim
from verify.formal.claim import Claim, Fact
from verify.formal.jobs import FeedingClaim
from verify.formal.masks import CodecFact, GatherFact
from verify.formal.netlists import Netlist
from verify.formal.stages import BufferClaim, ChannelClaim, StepMasksClaim, StepsClaim
from verify.formal.stream import Promise, StreamClaim
from verify.formal.tops import AxisClaim, axi_lite_claim


__all__ = ["Property", "properties"]


@dataclass(frozen=True)
class Property:
    """A claim, and what it is about.

    Attributes
    ----------
    group : str
        One of :data:`verify.formal.names.GROUPS`.
    subject : str
        The component and its parameters.
    pattern : Pattern or None
        None where it has none.
    claim : callable
        Makes the claim.
    """

    group: str
    subject: str
    pattern: Pattern | None
    claim: Callable[[], Claim | Fact | Netlist]

    def __str__(self) -> str:
        return f"{self.group}: {self.subject}{f' at {self.pattern}' if self.pattern else ''}"


def properties(groups: Iterable[str], patterns: Iterable[Pattern]) -> Iterator[Property]:
    """All properties of some groups; those of stages and tops for each of some patterns."""
    for group in groups:
        if group in _FIXED:
            yield from (Property(group, *each) for each in _FIXED[group]())
            continue
        for pattern in patterns:
            yield from (Property(group, subject, pattern, claim)
                        for subject, claim in _OF_PATTERN[group](pattern))


def _streams():
    """What stands between two stages."""
    yield "register of 8 bits", None, lambda: StreamClaim(StreamRegister(8), Promise(passes=()))
    for depth in (1, 2, 3, 4, 8):
        yield f"FIFO of {depth}", None, lambda depth=depth: StreamClaim(
            StreamFifo(1, depth), Promise(places=depth + 1, offers_after=1, takes_after=1,
                                          passes=()))
    yield "largest of 2 blocks", None, lambda: StreamClaim(
        SharedLargest(MeasuredBlock(data.StructLayout({"last": 1}), 1), 2),
        Promise(places=5, offers_after=2, takes_after=2, whole=True, part=2))
    for depth, passes in ((2, 1), (3, 1), (2, 2), (3, 2), (2, 5)):
        yield (f"token buffer of {depth}, {passes} pass{'es' * (passes > 1)}", None,
               lambda depth=depth, passes=passes: BufferClaim(depth, passes))


def _stages(pattern: Pattern):
    """The stages of the compressor and of the decompressor, and both as a whole."""
    plain = Design(pattern)
    yield from _selects(plain)
    kept = ("mask", "last")
    yield "compact", lambda: StreamClaim(CompactStage(plain), Promise(passes=kept))
    sums = replace(plain, statistics=True)
    yield "finish statistics=True", lambda: StreamClaim(
        FinishStage(sums), Promise(passes=("values", *kept)))
    scalar = replace(plain, shift="scalar")
    yield "score shift=scalar", lambda: StreamClaim(ScoreStage(scalar), Promise())
    by_channel = replace(plain, shift="channel", coefficients=2, max_k=2 * pattern.m)
    yield "channel shift=channel coefficients=2", lambda: ChannelClaim(by_channel)
    yield "steps", lambda: StepsClaim(pattern)
    yield from _quantizers(pattern)
    yield "compressor", lambda: _chain(Compressor(plain))
    yield "decompressor", lambda: _chain(Decompressor(plain))
    ranked = replace(plain, encoding="rank")
    yield "decompressor encoding=rank", lambda: _chain(Decompressor(ranked))


def _quantizers(pattern: Pattern):
    """Kept values of bf16 to fp8, MX and NVFP4; MX as one would be of blocks of 32."""
    values = {"values": data.ArrayLayout(signed(16), pattern.n), "last": 1}
    before, after = data.StructLayout(values), data.StructLayout({**values, "scale": 8})
    stages: dict[str, Callable] = {
        "fp8_e4m3": lambda: ConvertStage(before, before, FORMATS["fp8_e4m3"], FORMATS["bf16"]),
        "mxfp4": lambda: QuantizeStage(before, after, BLOCK_FORMATS["mxfp4"], FORMATS["bf16"]),
        "nvfp4": lambda: NvquantizeStage(before, after, 1),
    }
    for name, stage in stages.items():
        yield f"quantize {name}", lambda stage=stage: _chain(stage())


def _rows(pattern: Pattern):
    """Rows of two columns, of floats and of integers."""
    small = Design(pattern, rows=1, columns=2, tile=1)
    floats = replace(small, format="bf16", quantize="fp8_e4m3", weight_format="fp8_e4m3",
                     accumulator="fp32", result_format="bf16")
    exact = replace(floats, accumulator="exact", accumulator_width=49)
    for name, design in (("exact", exact), ("fp32", floats)):
        yield f"round accumulator={name}", lambda design=design: _chain(RoundRow(design))
    if 16 % pattern.m == 0:
        nvfp4 = replace(floats, quantize="nvfp4", weight_format="nvfp4", epilogue_lanes=0,
                        max_k=4 * 16)
        yield "tensor scale", lambda: _chain(TensorScale(nvfp4))
    for activation in ("none", "gelu"):
        lane = replace(floats, activation=activation)
        yield (f"lane of floats activation={activation}",
               lambda lane=lane: _chain(FloatLane(lane)))
    corrected = replace(small, shift="mean", statistics=True)
    yield "lane shift=mean statistics=True", lambda: _chain(Lane(corrected))


def _bus(pattern: Pattern):
    """The master of the default accelerator, channel by channel."""
    design = Design(pattern, bus="axi4")
    sizes = element_bytes(design)
    for name in ("act", "weight", "result"):
        yield f"bursts of {name}", lambda name=name: BurstsClaim(
            design, sizes[name], run_bits(design, name))
    yield "reads", lambda: ReadsClaim(design, {"descriptor": 1, "act": 2, "weight": 3})
    yield "writes", lambda: WritesClaim(design, sizes["result"])


def _jobs(pattern: Pattern):
    """Controller, stepper and buffers of two tiles of rows and of columns."""
    small = Design(pattern, rows=2, columns=2, tile=1, max_k=2 * pattern.m, batch_tokens=2,
                   epilogue_lanes=0)
    yield "feeding of the accelerator 2 x 2", lambda: FeedingClaim(small)


def _selects(plain: Design):
    """The stage that selects, with every structure."""
    passes = ("values", "last")
    for name in ("rank", "radix", "network"):
        design = replace(plain, selector=name)
        yield f"select selector={name}", lambda design=design: StreamClaim(
            SelectStage(design, scored=False), Promise(passes=passes))
    piped = replace(plain, selector="radix", stages=4)
    yield "select selector=radix stages=4", lambda: StreamClaim(
        SelectStage(piped, scored=False), Promise(places=4, offers_after=3))
    serial = replace(plain, selector="serial")
    steps = plain.score_width + lift_bits(plain.pattern.m)
    yield "select selector=serial", lambda: StreamClaim(
        SelectStage(serial, scored=False), Promise(offers_after=steps, takes_after=steps))


def _chain(component) -> StreamClaim:
    """Stages in a row, with a register in each."""
    return StreamClaim(component, Promise(places=component.latency,
                                          offers_after=component.latency - 1))


def _masks():
    """What becomes of masks."""
    for n in (2, 4, 8, 16):
        pattern = Pattern(n, 2 * n)
        for gather in ("window", "butterfly"):
            yield (f"gather {gather}", pattern,
                   lambda pattern=pattern, gather=gather: GatherFact(pattern, gather))
    for n in (2, 4, 8):
        pattern = Pattern(n, 2 * n)
        for encoding in ENCODINGS:
            yield (f"codec {encoding}", pattern,
                   lambda pattern=pattern, encoding=encoding: CodecFact(pattern, encoding))
    for n in (2, 4):
        yield "steps", Pattern(n, 2 * n), lambda n=n: StepMasksClaim(Pattern(n, 2 * n))


def _registers():
    """The register block."""
    def bus():
        block = RegisterBlock()
        return BusClaim(block, block.bus)

    yield "AXI4-Lite of the register block", None, bus
    yield "contents of the register block", None, RegisterClaim


def _tops(pattern: Pattern):
    """Ports of generated designs, the accelerator as small as it can be."""
    plain = Design(pattern)
    for name, design in (("selector", replace(plain, selector="serial")), ("compressor", plain),
                         ("decompressor", plain)):
        yield f"m_axis of the {name}", lambda name=name, design=design: AxisClaim(
            make_top(name, design))
    small = Design(pattern, rows=1, columns=1, tile=1, max_k=2 * pattern.m, batch_tokens=1)
    yield "m_axis_result of the accelerator 1 x 1", lambda: AxisClaim(
        make_top("accelerator", small), "m_axis_result")
    yield "s_axil of the accelerator 1 x 1", lambda: axi_lite_claim(
        make_top("accelerator", small))


def _netlists(pattern: Pattern):
    """Designs of every component, the accelerator as small as it can be."""
    small = {"rows": 1, "columns": 1, "tile": 1, "batch_tokens": 1, "max_k": 4 * pattern.m}
    points: list[tuple[str, dict]] = [
        *(("selector", {"selector": name}) for name in ("rank", "radix", "network", "serial")),
        ("selector", {"selector": "radix", "stages": 4}),
        ("compressor", {}),
        *(("decompressor", {"encoding": name}) for name in ENCODINGS),
        ("pe", {}), ("array", {"rows": 3, "columns": 2, "tile": 2})]
    if pattern.m <= 8:  # larger ones take long to map
        points.append(("accelerator 1 x 1", {}))
    for title, options in points:
        name, design = title.split()[0], Design(pattern, **small | options)
        subject = " ".join([title, *(f"{key}={value}" for key, value in options.items())])
        yield subject, lambda name=name, design=design: Netlist(name, design.only(name))


_FIXED: dict[str, Callable] = {"streams": _streams, "masks": _masks, "registers": _registers}
_OF_PATTERN: dict[str, Callable] = {"stages": _stages, "rows": _rows, "bus": _bus, "jobs": _jobs,
                                    "tops": _tops, "netlists": _netlists}
