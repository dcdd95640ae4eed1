"""The register map, described once.

RTL, manifest and driver are made from it. Standard library only. Registers are 32 bits wide.
"""

from dataclasses import dataclass
from enum import IntEnum


__all__ = ["ID", "REGISTERS", "Error", "Field", "Register", "offset_of"]


ID = int.from_bytes(b"NMFG", "big")
"""What the register ID reads as."""


class Error(IntEnum):
    """Codes of the ``error`` field. The first error stays until the next accepted start."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Error":
        """Make a member of a code and what it says."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

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
                 "for statistics of tokens that do not fit the buffer")
    PATTERN = 9, "start refused: JOB_PATTERN or THRESHOLD are none that the design runs"
    COEF = 10, ("start refused: CORRECTIONS.coef is 0, and no parameters of K_BLOCKS blocks are "
                "loaded; or it is 1, and the design has none")
    COEF_TLAST = 11, ("tlast of s_axis_coef was early (missing parameters are zero) or late "
                      "(surplus beats are dropped); the parameters are not kept for further jobs")
    TOKEN_TLAST = 12, ("tlast of s_axis_token was early (missing scales are zero) or late (surplus "
                       "beats are dropped)")
    CHANNEL_TLAST = 13, ("tlast of s_axis_channel was early (missing terms are zero) or late "
                         "(surplus beats are dropped)")


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
        position = 0
        for field in self.fields:
            if field.name == name:
                return position
            position += field.width
        raise ValueError(f"field must be one of register {self.name}, not {name!r}")


def _map(*registers: tuple[str, bool, tuple[Field, ...]]) -> tuple[Register, ...]:
    return tuple(Register(name, 4 * k, fields, job)
                 for k, (name, job, fields) in enumerate(registers))


REGISTERS = _map(
    ("ID", False, (Field("id", 32, "ro", f"0x{ID:08X}, NMFG in ASCII"),)),
    ("PATTERN", False, (Field("n", 8, "ro", "values kept per block, N"),
                        Field("m", 8, "ro", "values per block, M"),
                        Field("flexible", 2, "ro", "what JOB_PATTERN may set: 0 nothing, 1 keep, "
                              "2 keep and size"))),
    ("SHAPE", False, (Field("rows", 8, "ro", "rows of PEs"),
                      Field("columns", 8, "ro", "columns of PEs"))),
    ("MAX_BLOCKS", False, (Field("max_blocks", 32, "ro", "largest K_BLOCKS"),)),
    ("BUFFER", False, (Field("buffer_blocks", 24, "ro", "blocks of a chunk: longer tokens are "
                             "cut into chunks"),)),
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
                            "int8, 3 fp32, 4 bf16"),
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


def offset_of(name: str) -> int:
    """Byte offset of a register; ValueError for an unknown name."""
    for register in REGISTERS:
        if register.name == name:
            return register.offset
    known = ", ".join(register.name for register in REGISTERS)
    raise ValueError(f"register must be one of {known}, not {name!r}")
