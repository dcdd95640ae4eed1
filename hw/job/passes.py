"""The order in which a job goes through the buffers, for everyone who follows it."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.config import Design
from hw.job.job import Run


__all__ = ["Pass", "Passes"]


class Pass(data.StructLayout):
    """One batch of tokens against one tile of columns, over one chunk of the input features.

    Fields
    ------
    tokens : unsigned
        Tokens of the batch.
    blocks : unsigned
        Blocks of the chunk.
    first_chunk, last_chunk : unsigned(1)
        Whether sums begin, and end, in this pass.
    first_tile, last_tile : unsigned(1)
        Whether the batch was not needed before this pass, and is not needed after it.
    last_batch : unsigned(1)
        Whether the batch is the job's last.
    """

    def __init__(self, design: Design):
        super().__init__({
            "tokens": bits_for(design.largest_batch),
            "blocks": bits_for(design.max_blocks),
            "first_chunk": 1,
            "last_chunk": 1,
            "first_tile": 1,
            "last_tile": 1,
            "last_batch": 1,
        })


class Passes(wiring.Component):
    """Walks through the passes of a job: for each batch, for each tile, for each chunk.

    A token that fits the buffer is one chunk, and a batch stays in the buffer for all tiles. A
    longer token is cut into chunks; a batch is then one group of ``rows`` tokens, whose
    accumulators hold the sums from chunk to chunk, and its chunks come again for every tile.

    The next pass stands at the output one cycle after ``next``. Reset ends the walk.

    Parameters
    ----------
    design : Design
    tiles : str
        ``all``; ``streamed``: a batch that stays in the buffer is one pass, whatever the number of
        tiles; ``none``: so is every batch.
    chunks : bool
        False: all chunks of a tile are one pass. ``now.blocks`` is then without meaning.

    Members
    -------
    run : In(Run())
        ``drop`` ends the walk.
    next : In(1)
        Go on to the next pass.
    active : Out(1)
        ``now`` is a pass of the job.
    now : Out(Pass(design))
    """

    def __init__(self, design: Design, *, tiles: str = "all", chunks: bool = True):
        super().__init__({
            "run": In(Run()), "next": In(1), "active": Out(1), "now": Out(Pass(design)),
        })
        self.design = design
        self.tiles = tiles
        self.chunks = chunks
        self.blocks_left = Signal(24)
        self.tokens_left = Signal(32)
        self.tiles_left = Signal(32)
        self.first_chunk = Signal()
        self.first_tile = Signal()

    @property
    def variant(self) -> str:
        """Which passes are walked through, as in ``tiles_all_chunks``."""
        return f"tiles_{self.tiles}{'_chunks' * self.chunks}"

    def elaborate(self, platform):
        m = Module()
        design, job, now = self.design, self.run.job, self.now
        blocks_left, tokens_left, tiles_left = self.blocks_left, self.tokens_left, self.tiles_left
        first_chunk, first_tile = self.first_chunk, self.first_tile
        long, chunked = Signal(), Signal()
        # Registered, since the walk goes on at the end of a path that starts with its size.
        m.d.comb += long.eq(job.k_blocks > design.max_blocks)
        m.d.sync += chunked.eq(long)
        largest = Mux(chunked, design.rows, design.batch_tokens)
        m.d.comb += [
            now.last_batch.eq(tokens_left <= largest),
            now.tokens.eq(Mux(now.last_batch, tokens_left, largest)),
            now.first_tile.eq(first_tile),
            now.last_tile.eq(tiles_left <= 1),
            now.first_chunk.eq(first_chunk),
            now.last_chunk.eq(blocks_left <= design.max_blocks),
            now.blocks.eq(Mux(now.last_chunk, blocks_left, design.max_blocks)),
        ]
        if not self.chunks:
            m.d.comb += [now.first_chunk.eq(1), now.last_chunk.eq(1)]

        def tiles(several):
            return {"all": job.column_tiles, "streamed": Mux(several, job.column_tiles, 1),
                    "none": 1}[self.tiles]

        with m.If(self.next):
            m.d.sync += [blocks_left.eq(blocks_left - design.max_blocks), first_chunk.eq(0)]
            with m.If(now.last_chunk):
                m.d.sync += [blocks_left.eq(job.k_blocks), first_chunk.eq(1),
                             tiles_left.eq(tiles_left - 1), first_tile.eq(0)]
                with m.If(now.last_tile):
                    m.d.sync += [tiles_left.eq(tiles(chunked)), first_tile.eq(1),
                                 tokens_left.eq(tokens_left - largest)]
                    with m.If(now.last_batch):
                        m.d.sync += self.active.eq(0)
        with m.If(self.run.begin):
            m.d.sync += [self.active.eq(1), blocks_left.eq(job.k_blocks), first_chunk.eq(1),
                         tokens_left.eq(job.tokens), tiles_left.eq(tiles(long)), first_tile.eq(1)]
        with m.If(self.run.drop):
            m.d.sync += self.active.eq(0)
        return m
