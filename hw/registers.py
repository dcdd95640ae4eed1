"""The register map, described once.

RTL, manifest and driver are made from it. Standard library only. Registers are 32 bits wide.
"""

from dataclasses import dataclass
from enum import IntEnum


__all__ = ["BUS_REGISTERS", "DECODE_REGISTERS", "DESCRIPTOR_BYTES", "DESCRIPTOR_TAG",
           "EVERY_REGISTER", "FLOAT_REGISTERS", "FUNCTION_CODES", "ID", "PAIR_REGISTERS",
           "REGISTERS", "TENSOR_REGISTERS", "BusError", "Code", "Error", "Field", "Register",
           "bus_registers", "descriptor_registers", "offset_of", "own_registers"]


ID = int.from_bytes(b"NMFG", "big")
"""What the register ID reads as."""


class Code(IntEnum):
    """Codes that say what they mean."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Code":
        """Make a member of a code and what it says."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class Error(Code):
    """Codes of the ``error`` field. The first error stays until the next accepted start."""

    NONE = 0, "no error"
    K_BLOCKS = 1, "start refused: K_BLOCKS is 0 or more than MAX_BLOCKS"
    TOKENS = 2, "start refused: TOKENS is 0"
    COLUMN_TILES = 3, "start refused: COLUMN_TILES is 0"
    BUSY = 4, ("start, or write to a register of the job, refused: a job is running and goes on "
               "undisturbed")
    ACT_TLAST = 5, ("tlast of a token was early (missing activations are zero) or late (surplus "
                    "beats are dropped)")
    WEIGHT_TLAST = 6, ("tlast of a pass of weights was early (missing blocks are zero) or late "
                       "(surplus beats are dropped)")
    TIMEOUT = 7, "nothing moved for TIMEOUT cycles of a job; it goes on if the streams do"
    OUTPUT = 8, ("start refused: OUTPUT or CORRECTIONS ask for what the design does not have, or "
                 "tokens that must be whole do not fit the buffer, see BUFFER")
    PATTERN = 9, "start refused: JOB_PATTERN or THRESHOLD are none that the design runs"
    COEF = 10, ("start refused: CORRECTIONS.coef is 0, and no parameters of K_BLOCKS blocks are "
                "loaded; or it is 1, and the design has none")
    COEF_TLAST = 11, ("tlast of s_axis_coef was early (missing parameters are zero) or late "
                      "(surplus beats are dropped); the parameters are not kept for further jobs")
    TOKEN_TLAST = 12, ("tlast of s_axis_token was early (missing scales are zero) or late (surplus "
                       "beats are dropped)")
    CHANNEL_TLAST = 13, ("tlast of s_axis_channel was early (missing terms are zero) or late "
                         "(surplus beats are dropped)")
    TENSOR = 14, "start refused: TENSOR_SCALE has a scale that is none, or is too small"


@dataclass(frozen=True)
class Field:
    """Bits of a register.

    ``access`` is ``rw`` (kept until written again), ``ro`` (read only; writes are ignored) or
    ``w1`` (writing 1 acts once; reads as 0).
    """

    name: str
    width: int
    access: str
    meaning: str


@dataclass(frozen=True)
class Register:
    """A 32-bit register. Its fields follow each other from bit 0.

    ``job`` says that it describes a job: writes while one is running are refused.
    """

    name: str
    offset: int
    fields: tuple[Field, ...]
    job: bool = False

    def position(self, name: str) -> int:
        """Lowest bit of a field."""
        names = [field.name for field in self.fields]
        if name not in names:
            raise ValueError(f"field must be one of register {self.name}, not {name!r}")
        return sum(field.width for field in self.fields[:names.index(name)])


def _map(*registers: tuple[str, bool, tuple[Field, ...]], base: int = 0) -> tuple[Register, ...]:
    return tuple(Register(name, base + 4 * k, fields, job)
                 for k, (name, job, fields) in enumerate(registers))


REGISTERS = _map(
    ("ID", False, (Field("id", 32, "ro", f"0x{ID:08X}, NMFG in ASCII"),)),
    ("PATTERN", False, (Field("n", 8, "ro", "values kept per block, N"),
                        Field("m", 8, "ro", "values per block, M"),
                        Field("flexible", 2, "ro", "what JOB_PATTERN may set: 0 nothing, 1 keep, "
                              "2 keep and size"))),
    ("SHAPE", False, (Field("rows", 8, "ro", "rows of PEs"),
                      Field("columns", 8, "ro", "columns of PEs"))),
    ("MAX_BLOCKS", False, (Field("max_blocks", 32, "ro", "largest K_BLOCKS, in chunks"),)),
    ("BUFFER", False, (Field("buffer_blocks", 24, "ro", "blocks of a chunk: longer tokens are "
                             "cut into chunks, or refused where they must be whole"),)),
    ("BATCH", False, (Field("batch_tokens", 16, "ro", "tokens of a batch, which share one pass of "
                            "the weights"),)),
    ("CONTROL", False, (Field("start", 1, "w1", "start a job with the registers of the job"),
                        Field("irq_enable", 1, "rw", "raise irq while done is set, or after a "
                              "timeout"),
                        Field("abort", 1, "rw", "while 1: end the job without done, take and drop "
                              "all beats; release it when busy is 0"),
                        Field("answer_okay", 1, "rw", "while 1: a write that is refused because a "
                              "job runs is answered with OKAY; it sets the error BUSY all the "
                              "same"))),
    ("STATUS", False, (Field("busy", 1, "ro", "a job is running"),
                       Field("done", 1, "ro", "the last job has ended; cleared by the next start"),
                       Field("error", 8, "ro", "code of the first error since the last start"))),
    ("K_BLOCKS", True, (Field("k_blocks", 24, "rw", "input features of the layer, in blocks "
                              "of M"),)),
    ("TOKENS", True, (Field("tokens", 32, "rw", "tokens of the job"),)),
    ("COLUMN_TILES", True, (Field("column_tiles", 32, "rw",
                                  "output features of the layer, in tiles of COLUMNS"),)),
    ("OUTPUT", True, (Field("output", 8, "rw", "results: 0 accumulators, 1 corrected int32, 2 "
                            "int8, 3 fp32, 4 bf16; of floats 0, or 4 with bias"),
                      Field("exponent", 8, "rw", "unit of results 3 and 4: 2 to the power of this, "
                            "signed"))),
    ("CORRECTIONS", True, (Field("variance", 1, "rw", "VAR: multiply by v of the token"),
                           Field("token_shift", 1, "rw", "D-PTS: add eta of the token times the "
                                 "row sum"),
                           Field("token_scale", 1, "rw", "multiply by the scale of the token; "
                                 "the job brings a packet of s_axis_token"),
                           Field("coef", 1, "rw", "the job brings a packet of s_axis_coef; 0: "
                                 "what was loaded last stays in use"))),
    ("STATIC_SHIFT", True, (Field("static_shift", 8, "rw", "S-PTS: subtracted from every "
                                  "activation, signed; 0 where the design has no scalar shift"),)),
    ("TIMEOUT", False, (Field("timeout", 32, "rw", "cycles of a job in which nothing moves that "
                              "are an error; 0: never"),)),
    ("IDLE_CYCLES", False, (Field("idle_cycles", 32, "ro", "cycles of the job since a stream or "
                                  "the array moved"),)),
    ("CYCLES", False, (Field("cycles", 32, "ro", "cycles of the job, from start to done"),)),
    ("STEPS", False, (Field("steps", 32, "ro", "steps of the array in the job"),)),
    ("ARRAY_CYCLES", False, (Field("array_cycles", 32, "ro", "cycles from the array's first step "
                                   "to its last, stalls included"),)),
    ("JOB_PATTERN", True, (Field("keep", 8, "rw", "values to keep of each block of the job; 0: N"),
                           Field("size", 8, "rw", "values of each block of the job; 0: M"))),
    ("THRESHOLD", True, (Field("threshold", 16, "rw", "0, or the least score of the values to "
                               "keep, in place of a pattern"),)),
)
"""The register map, in the order of the offsets."""

FLOAT_REGISTERS = _map(
    ("NUMBERS", False, (
        Field("act_format", 8, "ro", "number format of the tokens on the stream"),
        Field("kept_format", 8, "ro", "format in which they are multiplied, and of the weights "
              "unless WEIGHT_NUMBERS says theirs"),
        Field("result_format", 1, "ro", "results: 0 fp32; 1 fp16 if kept_format is, else bf16"),
        Field("exact", 1, "ro", "1: sums are exact until they leave the array; 0: rounded to fp32 "
              "once a step"),
        Field("function", 2, "ro", "activation function: 0 none, 1 GELU, 2 SiLU"))),
    ("ACTIVATE", True, (Field("activate", 1, "rw", "1: the activation function follows the "
                                "bias of results; with OUTPUT 4"),)),
    base=REGISTERS[-1].offset + 4,
)
"""Registers of a design that multiplies floats, behind its others."""

TENSOR_REGISTERS = _map(
    ("TENSOR_SCALE", True, (
        Field("tensor", 16, "rw", "scale of the tensor of tokens, bf16"),
        Field("gain", 16, "rw", "factor of sums, bf16: that scale times the one of the weights"))),
    base=FLOAT_REGISTERS[-1].offset + 4)
"""Registers of a design with NVFP4, behind those of floats."""

PAIR_REGISTERS = _map(
    ("WEIGHT_NUMBERS", False, (Field("weight_format", 8, "ro", "number format of the weights"),)),
    base=TENSOR_REGISTERS[-1].offset + 4)
"""Registers of a design whose weights have another format than what they multiply."""

FUNCTION_CODES = ("none", "gelu", "silu")
"""What ``NUMBERS.function`` means."""


def own_registers(integers: bool, tensor_scaled: bool, paired: bool) -> tuple[Register, ...]:
    """Registers of an accelerator without those of a bus, of ``integers`` or of floats."""
    floats = (*FLOAT_REGISTERS, *TENSOR_REGISTERS * tensor_scaled, *PAIR_REGISTERS * paired)
    return REGISTERS if integers else (*REGISTERS, *floats)


class BusError(Code):
    """Codes of ``BUS_STATUS.bus_error`` beside those of :class:`Error`, with an AXI4 master."""

    READ = 32, "a read was answered with an error; BUS_STATUS.stream says of what"
    WRITE = 33, "a write of results was answered with an error"
    ADDRESS = 34, ("an address or a stride is no multiple of its unit, or has more bits than the "
                   "bus; BUS_STATUS.stream says of what")
    DESCRIPTOR = 35, "what the queue holds is no descriptor: its first word has not the tag"
    ABORT = 36, "BUS_CONTROL.abort ended the job"
    DECODE = 37, ("DECODE_MODE asks for what the design does not have, or for a job whose masks do "
                  "not fit, of more tokens than a group, or with sums of all weights")


def _addressed(name: str, meaning: str) -> tuple[tuple[str, bool, tuple[Field, ...]], ...]:
    """Registers of the job for an address of up to 64 bits."""
    low = name.lower()
    return ((f"{name}_LOW", True, (Field(f"{low}_low", 32, "rw", f"address of {meaning}"),)),
            (f"{name}_HIGH", True, (Field(f"{low}_high", 32, "rw", "its upper bits"),)))


BUS_REGISTERS = _map(
    ("BUS_SHAPE", False, (Field("word_bytes", 8, "ro", "bytes of a beat of the bus"),
                          Field("address_bits", 8, "ro", "bits of an address"))),
    ("BUS_BURSTS", False, (Field("longest", 16, "ro", "beats of the longest burst"),
                           Field("in_flight", 8, "ro", "bursts that may be in flight"))),
    ("BUS_CONTROL", False, (
        Field("bus_start", 1, "w1", "start a job with the registers of the job"),
        Field("bus_abort", 1, "w1", "end the job that runs, with the error ABORT"),
        Field("acknowledge", 1, "w1", "clear ended"),
        Field("resume", 1, "w1", "clear bus_error, unless a job runs: the queue goes on"),
        Field("queue", 1, "rw", "while 1: run the jobs of the queue"),
        Field("interrupt", 1, "rw", "raise irq while ended is set, or bus_error and no job runs"),
        Field("bus_okay", 1, "rw", "while 1: a write that is refused because a job runs is "
              "answered with OKAY"))),
    ("BUS_STATUS", False, (
        Field("active", 1, "ro", "a job runs, or is read from the queue"),
        Field("ended", 1, "ro", "a job that tells of it, the last one of the queue, or one with an "
              "error has ended"),
        Field("bus_error", 8, "ro", "code of the error that ended a job; the queue then stands "
              "still until resume is written"),
        Field("stream", 3, "ro", "of an error READ or ADDRESS: 0 act, 1 weight, 2 coef, 3 token, "
              "4 channel, 5 descriptor, 6 result"))),
    ("QUEUE_LOW", False, (Field("queue_low", 32, "rw", "address of the queue, a multiple of the "
                                "size of a descriptor"),)),
    ("QUEUE_HIGH", False, (Field("queue_high", 32, "rw", "its upper bits"),)),
    ("QUEUE_SIZE", False, (Field("size_log2", 4, "rw", "descriptors in the queue, to the base 2"),
                           )),
    ("QUEUE_TAIL", False, (Field("tail", 16, "rw", "jobs that were queued, modulo 65,536: job k "
                                 "has descriptor k modulo size"),)),
    ("QUEUE_HEAD", False, (Field("head", 16, "ro", "jobs of the queue that have ended, modulo "
                                 "65,536"),)),
    *_addressed("ACT", "the tokens"),
    ("ACT_STRIDE", True, (Field("act_stride", 32, "rw", "bytes from one token to the next"),)),
    *_addressed("WEIGHT", "the weights"),
    *_addressed("COEF", "the parameters of the input channels, where the job brings them"),
    *_addressed("TOKEN", "the scales of the tokens, where the job brings them"),
    *_addressed("CHANNEL", "the terms of the output channels, where the job brings them"),
    *_addressed("RESULT", "the results"),
    ("RESULT_STRIDE", True, (Field("result_stride", 32, "rw", "bytes from one tile of results to "
                                   "the next"),)),
    base=0x100,
)
"""Registers of the AXI4 master, in the order of the offsets, behind those of the accelerator."""

DECODE_REGISTERS = _map(
    ("DECODE_MODE", True, (Field("decode", 1, "rw", "read only weights of features that some token "
                                 "of the job keeps"),)),
    *((f"{name.upper()}_BEATS", False, (Field(f"{name}_beats", 32, "ro", f"beats of the bus with "
                                              f"{what}, since the last job began"),))
      for name, what in (("act", "tokens"), ("weight", "weights"),
                         ("parameter", "parameters of channels and tokens"),
                         ("descriptor", "descriptors"), ("result", "results"))),
    base=BUS_REGISTERS[-1].offset + 4,
)
"""Registers of a master whose design has ``decode``, behind its others."""


def bus_registers(decode: bool) -> tuple[Register, ...]:
    """Registers of the AXI4 master of a design, with ``decode`` or without."""
    return (*BUS_REGISTERS, *DECODE_REGISTERS) if decode else BUS_REGISTERS


def descriptor_registers(decode: bool, integers: bool = True, tensor_scaled: bool = False
                         ) -> tuple[Register, ...]:
    """Registers whose words follow the first one of a descriptor; those of floats are the last."""
    floats = own_registers(integers, tensor_scaled, paired=False)[len(REGISTERS):]
    return tuple(one for one in (*REGISTERS, *bus_registers(decode), *floats) if one.job)


EVERY_REGISTER = (*own_registers(False, True, True), *bus_registers(True))
"""All registers that some design has."""

DESCRIPTOR_TAG = int.from_bytes(b"NMJ", "big")
"""Upper 24 bits of a descriptor's first word; bit 0 of that word asks for an interrupt."""

DESCRIPTOR_BYTES = 128
"""From one descriptor to the next, a power of two; what follows the last word is ignored."""


def offset_of(name: str) -> int:
    """Byte offset of a register; ValueError for an unknown name."""
    for register in EVERY_REGISTER:
        if register.name == name:
            return register.offset
    known = ", ".join(register.name for register in REGISTERS)
    raise ValueError(f"register must be one of {known}, not {name!r}")
