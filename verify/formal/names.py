"""Groups of properties, for the command line: nothing is imported for their sake."""

__all__ = ["GROUPS"]


GROUPS = {
    "streams": "registers, queues and buffers of tokens between two stages",
    "stages": "stages of the compressor and the decompressor, and both as a whole",
    "rows": "what rows of sums go through behind the array: rounding, scales of tensors, and the "
            "lanes of the epilogues",
    "masks": "gather networks to 16:32, metadata there and back to 8:16, and the steps of a block "
             "to 4:8",
    "registers": "AXI4-Lite of the register block, and what registers hold",
    "bus": "AXI4 of the master that fetches and writes the data of jobs, channel by channel",
    "jobs": "a job of any size between its registers and the array: a step reads what was taken in "
            "for it, no half of a buffer is overrun, and the job goes on to its end",
    "tops": "AXI4-Stream and AXI4-Lite at the ports of generated designs",
    "netlists": "what the flow maps to the project's own cells does what its RTL does, module by "
                "module; memories are none of it",
}
"""What is proved, by name."""
