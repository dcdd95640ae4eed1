"""What a job is, and what those who follow it are told."""

from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out


__all__ = ["Job", "Run"]


class Job(data.StructLayout):
    """Size of a job.

    Fields
    ------
    k_blocks, tokens, column_tiles : unsigned
        Features in blocks, tokens, and output features in tiles of columns.
    steps : unsigned
        Steps of each block in the buffer.
    variable : unsigned(1)
        Of these, the array takes only as many as a group of tokens needs.
    """

    def __init__(self):
        super().__init__({"k_blocks": 24, "tokens": 32, "column_tiles": 32, "steps": 7,
                          "variable": 1})


class Run(wiring.Signature):
    """The run of a job: from the controller to everyone who follows it.

    All of them hear the same in the same cycle, and nobody answers: each goes through the job at
    its own pace, see :class:`hw.job.passes.Passes`.

    Members
    -------
    job : Out(Job())
        Stable from ``begin`` until the next one.
    begin : Out(1)
        High in the first cycle of a job.
    drop : Out(1)
        The job was aborted: forget it, and take and drop what comes until it is low again.
    """

    def __init__(self):
        super().__init__({"job": Out(Job()), "begin": Out(1), "drop": Out(1)})
