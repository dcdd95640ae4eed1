"""Generated compressors and decompressors."""

from amaranth.hdl import Shape

from hw.compressor.compressor import Compressor
from hw.compressor.decompressor import Decompressor
from hw.config import Design
from hw.generate.tops.base import StreamTop, asked_user, coef_axis, connect_coef, dense_axis, joined
from hw.stream.axi import Axis, Port
from hw.stream.payloads import EncodedBlock


__all__ = ["CompressorTop", "DecompressorTop"]


_METADATA = {
    "bitmask": "bitmask: bit j is set where feature j was kept",
    "index": "N positions in the block, ascending, ceil(log2 M) bits each, the first one lowest",
    "rank": "rank of the bitmask: sum of C(position, i + 1) over the kept values i",
}


def _compressed_axis(prefix: str, design: Design) -> Axis:
    fields = _user_fields(design)
    meanings, lowest = [], 0
    for layout, meaning in fields.values():
        width = Shape.cast(layout).width
        meanings.append(f"{meaning} (bits {lowest + width - 1} to {lowest})")
        lowest += width
    kept = "N kept values, ascending features"
    ends = "last block of the token"
    if design.flexible != "none":
        kept += " (one step of the block; zeros where it keeps fewer)"
        ends = "last step of the token"
    return Axis(prefix, (design.pattern.m if design.complement else design.pattern.n)
                * design.kept_number.bits,
                f"{kept}, then the M - N dropped ones" if design.complement else kept,
                ends, user=lowest, user_meaning="; ".join(meanings), padded=design.pad_streams)


def _user_fields(design: Design) -> dict:
    """Shape and meaning of the fields in ``tuser`` of a compressed block, the lowest first."""
    block = EncodedBlock(design)
    meaning = _METADATA[design.encoding]
    if design.flexible != "none":
        meaning = "bitmask: the N positions of the values in the block, those of zeros included"
    fields = {}
    if design.metadata_bits:
        fields[EncodedBlock.metadata_field(design)] = design.metadata_bits, meaning
    if design.quantized:
        fields["scale"] = 8, f"scale of the values, {design.quantized.scale}"
    if design.dynamic_shift:
        fields["eta"] = block["eta"].shape, f"the token's {design.shift}, signed"
    if design.statistics:
        layout = block["sums"].shape
        parts = ", ".join(f"{name} {field.width}" for name, field in layout)
        fields["sums"] = layout, f"sums over the token, valid with tlast: {parts} bits"
    return fields


def _compressed_parts(design: Design, payload) -> dict:
    """``tdata``, ``tuser`` and ``tlast`` of a compressed block."""
    data = [payload.values] + ([payload.dropped] if design.complement else [])
    user = [payload[name] for name in _user_fields(design)]
    return {"data": joined(data), "last": payload.last, "user": joined(user) if user else None}


class CompressorTop(StreamTop):
    """Stream of dense blocks to stream of compressed blocks."""

    def __init__(self, design: Design):
        self.coef = coef_axis(design)
        more = [*self.coef.ports] if design.channel_bits else []
        if design.shift == "scalar":
            more.append(Port("shift", "in", design.number.bits,
                             "signed, subtracted from every value; static"))
        if design.unstructured:
            more.append(Port("threshold", "in", design.score_width,
                             "0: the pattern; else all values of this score or more; static"))
        if design.tensor_scaled:
            more.append(Port("tensor", "in", 16, "scale of the tensor, bf16; static"))
        super().__init__(design, Compressor(design),
                         dense_axis("s_axis", design, **asked_user(design)),
                         _compressed_axis("m_axis", design), *more)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        if self.design.channel_bits:
            connect_coef(m, self, self.inside.i_coef)
        if self.design.shift == "scalar":
            m.d.comb += self.inside.settings.shift.eq(self.shift)
        if self.design.unstructured:
            m.d.comb += self.inside.settings.threshold.eq(self.threshold)
        if self.design.tensor_scaled:
            m.d.comb += self.inside.settings.tensor.eq(self.tensor)
        return m

    def sink_parts(self, payload):
        """Parts of the input's payload."""
        asked = {} if self.design.flexible == "none" else {"user": payload.asked}
        return {**super().sink_parts(payload), **asked}

    def source_parts(self, payload):
        """Parts of the output's payload."""
        return _compressed_parts(self.design, payload)


class DecompressorTop(StreamTop):
    """Stream of compressed blocks to stream of dense blocks."""

    def __init__(self, design: Design):
        super().__init__(design, Decompressor(design), _compressed_axis("s_axis", design),
                         dense_axis("m_axis", design, user=1,
                                     user_meaning="the metadata is that of no block"))

    def sink_parts(self, payload):
        """Parts of the input's payload."""
        return _compressed_parts(self.design, payload)

    def source_parts(self, payload):
        """Parts of the output's payload."""
        return {"data": payload.block.values, "last": payload.block.last,
                "user": payload.illegal}
