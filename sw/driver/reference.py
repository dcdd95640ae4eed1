"""The accelerator as exact Python, behind the same registers and streams as the RTL."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import FLEXIBLE, Design, Pattern
from hw.fixed_point import CHANNEL_BYTES, Output
from hw.formats import FORMAT_CODES, NVFP4_LEAST_GAIN, NVFP4_LEAST_TENSOR
from hw.registers import EVERY_REGISTER, FUNCTION_CODES, Error, Field, offset_of, own_registers
from sw.driver.beats import Beats, Pass, passes
from sw.driver.floats import layer_of_beats
from sw.driver.linear import field_word
from sw.driver.packets import numbers, packed, packet, place
from sw.exact.compressor import select_tokens
from sw.exact.epilogue import (
    UNIT_GAIN,
    UNIT_SCALE,
    correct,
    requantize,
    scale_to_float,
    variance_gain,
)
from sw.exact.formats import from_bits


__all__ = ["ReferenceAccelerator"]


NOT_LOADED = np.zeros((0, 1), np.uint8)


class ReferenceAccelerator:
    """What an accelerator of a design computes, from its beats and registers, without timing.

    Parameters
    ----------
    design : Design
        As of the RTL; ValueError if it is none of an accelerator.

    Attributes
    ----------
    kept : Tensor
        bool, [T, blocks, M]: what the tokens of the last job keep.
    """

    def __init__(self, design: Design):
        design.require("accelerator")
        self.design = design
        self.kept = torch.zeros(0, 0, design.pattern.m, dtype=torch.bool)
        self._coef = NOT_LOADED  # beats of the parameters of the input channels
        map_ = own_registers(*design.register_groups)
        self._held = {field.name: 0 for register in map_ for field in register.fields}
        self._held |= {"id": int.from_bytes(b"NMFG", "big"), "n": design.pattern.n,
                       "m": design.pattern.m, "flexible": FLEXIBLE.index(design.flexible),
                       "rows": design.rows, "columns": design.columns,
                       "max_blocks": design.covered_blocks, "buffer_blocks": design.max_blocks,
                       "batch_tokens": design.batch_tokens}
        if not design.number.integer:
            self._held |= {"act_format": FORMAT_CODES.index(design.format),
                           "kept_format": FORMAT_CODES.index(design.multiplied.format),
                           "result_format": int(design.result_format != "fp32"),
                           "exact": int(design.accumulator == "exact"),
                           "function": FUNCTION_CODES.index(design.activation)}
        if design.paired:
            self._held["weight_format"] = FORMAT_CODES.index(design.weight_format)

    def read(self, register: str) -> int:
        """Read a register, by name."""
        fields = _fields(register)
        return field_word(register, **{name: self._held[name] for name in fields})

    def write(self, register: str, value: int) -> None:
        """Write a register, by name; a start that cannot be carried out sets its error."""
        for name, field in _fields(register).items():
            part = value >> _lowest(register, name) & ((1 << field.width) - 1)
            if field.access == "rw":
                self._held[name] = part
                if name == "abort" and part:
                    self._held["busy"], self._coef = 0, NOT_LOADED
            elif field.access == "w1" and part:
                self._start()

    def _start(self) -> None:
        held, design = self._held, self.design
        statistics = held["variance"] or held["token_shift"]
        lacks = (held["output"] > (max(Output) if design.epilogue_lanes else Output.RAW)
                 or (not design.number.integer and self._lacks_of_floats())
                 or (held["output"] == Output.FP32 and design.accumulator_width < 32)
                 or (held["variance"] and not design.statistics)
                 or (held["token_shift"] and not design.dynamic_shift)
                 or (held["static_shift"] and design.shift != "scalar")
                 or ((statistics or design.whole_tokens)
                     and held["k_blocks"] > design.max_blocks)
                 or ((statistics or held["token_scale"]) and held["output"] == Output.RAW))
        error = next((error for error, wrong in (
            (Error.BUSY, held["busy"] or held["abort"]),
            (Error.K_BLOCKS, not 0 < held["k_blocks"] <= design.covered_blocks),
            (Error.TOKENS, not held["tokens"]), (Error.COLUMN_TILES, not held["column_tiles"]),
            (Error.OUTPUT, lacks), (Error.PATTERN, not self._steps()),
            (Error.COEF, self._lacks_parameters()),
            (Error.TENSOR, self._lacks_scales())) if wrong), Error.NONE)
        if error:
            held["error"] = held["error"] or error.value
        else:
            held |= {"busy": 1, "done": 0, "error": 0, "cycles": 0, "steps": 0, "array_cycles": 0}

    def _lacks_of_floats(self) -> bool:
        """Whether a job asks for what does not follow results in floats."""
        held, raw = self._held, self._held["output"] == Output.RAW
        wrong = held["output"] not in (Output.RAW, Output.BF16) or held["exponent"] \
            or held["token_scale"]
        return bool((self.design.biases and wrong) or (self.design.scales_outputs and raw)
                    or (held["activate"] and (raw or self.design.activation == "none")))

    def _lacks_parameters(self) -> bool:
        """Whether parameters of the input channels are neither brought nor there, or not known."""
        held = self._held
        if not self.design.channel_bits:
            return bool(held["coef"])
        return not held["coef"] and len(self._coef) != held["k_blocks"]

    def _lacks_scales(self) -> bool:
        """Whether the scales of tensors that the job needs are none, or are too small."""
        scales = zip(self._scales(), (NVFP4_LEAST_TENSOR, NVFP4_LEAST_GAIN), strict=False)
        return any(not 2.0 ** least <= scale < float("inf") for scale, least in scales)

    def _scales(self) -> tuple[float, ...]:
        """Scale of the tensor of tokens, and the gain of results, where the design has them."""
        if not self.design.tensor_scaled:
            return ()
        bits = torch.tensor([self._held["tensor"], self._held["gain"]])
        return tuple(from_bits(bits, "bf16").double().tolist())

    def _pattern(self) -> Pattern:
        """The pattern of the job, which a threshold replaces; ValueError if there is none such."""
        own, given = self.design.pattern, self._held["threshold"] == 0
        return Pattern(given * self._held["keep"] or own.n, given * self._held["size"] or own.m)

    def _steps(self) -> int:
        """Steps of each block of the job, 0 if the design does not run its pattern."""
        if threshold := self._held["threshold"]:
            possible = self.design.unstructured and threshold < 1 << self.design.score_width
            return self.design.most_steps * possible
        try:
            return self.design.steps(self._pattern())
        except ValueError:
            return 0

    def run(self, inputs: dict[str, Beats], results: int, *, limit: int) -> tuple[Beats, int]:
        """Compute a job; ``limit`` is not needed, and no cycles are counted.

        Raises
        ------
        RuntimeError
            If no job runs, or the beats are not those that it needs.
        """
        held, design = self._held, self.design
        if not held["busy"]:
            raise RuntimeError("no job runs")
        order = list(passes(design, held["tokens"], held["k_blocks"], held["column_tiles"]))
        brings = {"act", "weight", *(name for name, wanted in (
            ("coef", held["coef"]), ("token", held["token_scale"]),
            ("channel", held["output"] >= Output.INT8)) if wanted)}
        if brings != inputs.keys():
            raise RuntimeError(f"the job takes beats of {', '.join(sorted(brings))}, not of "
                               f"{', '.join(sorted(inputs))}")
        resident = held["k_blocks"] <= design.max_blocks
        acts = [part for part in order if part.tile == 0 or not resident]
        ends = [part for part in order if not part.blocks.start]
        m, scale_bits = design.pattern.m, 8 * bool(design.quantized)
        x = np.zeros((held["tokens"], held["k_blocks"], -(-m * design.number.bits // 8)), np.int8)
        w = np.zeros((held["column_tiles"], held["k_blocks"],
                      -(-design.columns * (m * design.weight.bits + scale_bits) // 8)), np.int8)
        place(inputs["act"], [(x, (part.tokens, part.blocks)) for part in acts])
        place(inputs["weight"], [(w, (part.tile, part.blocks)) for part in order])
        if design.number.integer:
            y, mask = self._layer(torch.from_numpy(x).flatten(1), self._weight(w), inputs, ends)
        else:
            y, mask = layer_of_beats(torch.from_numpy(x.view(np.uint8)),
                                     torch.from_numpy(w.view(np.uint8)), design,
                                     self._terms(inputs, ends), bool(held["activate"]),
                                     *self._scales(), pattern=self._pattern(),
                                     threshold=held["threshold"])
        self.kept = mask
        rows = [y[part.tokens, part.tile] for part in ends]
        if sum(map(len, rows)) != results:
            raise RuntimeError(f"the job gives {sum(map(len, rows))} results, not {results}")
        held |= {"busy": 0, "done": 1,
                 "steps": sum(int(self._counts(mask[part.tokens, part.blocks]).sum())
                              for part in order)}
        packets = rows if design.packets == "batch" else [torch.cat(rows)]
        last = np.concatenate([np.arange(1, len(part) + 1) == len(part) for part in packets])
        return Beats(packed(torch.cat(rows), design), last), 0

    def _terms(self, inputs: dict[str, Beats], ends: list[Pass]) -> Tensor | None:
        """Terms of floats, uint8 [T, tiles, bytes], where the job brings them."""
        held = self._held
        if "channel" not in inputs:
            return None
        beats = packet(inputs, "channel", len(ends))
        terms = np.zeros((held["tokens"], held["column_tiles"], beats.shape[1]), np.uint8)
        for data, part in zip(beats, ends, strict=True):
            terms[part.tokens, part.tile] = data
        return torch.from_numpy(terms)

    def _counts(self, mask: Tensor) -> Tensor:
        """Steps of the groups of a batch, [groups, blocks]: those that the fullest block needs."""
        rows = self.design.rows
        kept = pad(mask.sum(-1), (0, 0, 0, -len(mask) % rows)).unflatten(0, (-1, rows)).amax(1)
        if not self._held["threshold"]:
            return torch.full_like(kept, self._steps())
        return (-(-kept // self.design.lanes)).clamp(min=1)

    def _weight(self, w: np.ndarray) -> Tensor:
        """Beats of the weights [tiles, blocks, columns * M] to [O, K]."""
        tiles, blocks, _ = w.shape
        split = torch.from_numpy(w).reshape(tiles, blocks, self.design.columns, -1)
        return split.transpose(1, 2).reshape(tiles * self.design.columns, -1)

    def _layer(self, x: Tensor, weight: Tensor, inputs: dict[str, Beats],
               ends: list[Pass]) -> tuple[Tensor, Tensor]:
        """Results int64 [T, tiles, columns], and the mask bool [T, blocks, M]."""
        held, design = self._held, self.design
        shift: int | str | Tensor = _signed_byte(held["static_shift"])
        factors, shifts = self._parameters(inputs)
        if design.dynamic_shift:
            shift = design.shift
        elif shifts is not None:
            shift = shifts
        tokens = select_tokens(x, self._pattern(), coefficients=factors, shift=shift,
                               threshold=held["threshold"])
        z, kept = tokens.z.flatten(1), (tokens.z * tokens.mask).flatten(1)
        y = kept.long() @ weight.long().t()
        if held["output"] != Output.RAW:
            gain = variance_gain(z, kept) if held["variance"] else UNIT_GAIN
            eta = tokens.eta[:, None] if held["token_shift"] else 0
            y = correct(y, weight.long().sum(-1), gain, eta, min(32, design.accumulator_width))
        if held["output"] >= Output.INT8:
            scale: Tensor | int = UNIT_SCALE
            if held["token_scale"]:
                data = packet(inputs, "token", held["tokens"])
                scale = torch.from_numpy(
                    data.copy().view("<u2").astype(np.int64)).reshape(-1, 1)
            terms = (y, *self._channels(packet(inputs, "channel", len(ends)), ends), scale)
            if held["output"] == Output.INT8:
                y = requantize(*terms).long()
            else:
                y = scale_to_float(*terms, exponent=_signed_byte(held["exponent"]),
                                   output=Output(held["output"]))
        mask = tokens.mask.reshape(len(x), -1, design.pattern.m)
        return y.reshape(len(x), -1, design.columns), mask

    def _parameters(self, inputs: dict[str, Beats]) -> tuple[Tensor | None, Tensor | None]:
        """Factors and shifts of the input channels [K], where the design has them."""
        design = self.design
        if not design.channel_bits:
            return None, None
        if self._held["coef"]:
            self._coef = packet(inputs, "coef", self._held["k_blocks"])
        m, of_shift = design.pattern.m, 8 if design.shift == "channel" else 0
        ends = np.cumsum([design.coefficients * m, of_shift * m])  # bits behind are padding
        fields = np.array_split(np.unpackbits(self._coef, axis=1, bitorder="little"), ends, axis=1)
        factors, shifts = (numbers(field, m) for field in fields[:2])
        shifts = shifts - (shifts >> 7 << 8)
        return (factors if design.coefficients else None,
                shifts if design.shift == "channel" else None)

    def _channels(self, beats: np.ndarray, ends: list[Pass]) -> tuple[Tensor, Tensor, Tensor]:
        """Scale, shift and bias [T, O] from the beats, which come for each batch and tile."""
        held, columns = self._held, self.design.columns
        terms = np.zeros((held["tokens"], held["column_tiles"], columns, 8), np.uint8)
        for data, part in zip(beats, ends, strict=True):
            terms[part.tokens, part.tile, :, :CHANNEL_BYTES] = data.reshape(-1, CHANNEL_BYTES)
        words = torch.from_numpy(terms.view("<i8").reshape(held["tokens"], -1))
        bias = words >> 24 & 0xFFFFFF
        return words & 0xFFFF, words >> 16 & 0x1F, bias - (bias >> 23 << 24)


def _signed_byte(value: int) -> int:
    return value - (value >> 7 << 8)


def _fields(register: str) -> dict[str, Field]:
    found = next((one for one in EVERY_REGISTER if one.name == register), None)
    if found is None:
        offset_of(register)  # says which there are
        return {}
    return {field.name: field for field in found.fields}


def _lowest(register: str, name: str) -> int:
    return next(one for one in EVERY_REGISTER if one.name == register).position(name)
