"""What follows a pass of a job: the order of :class:`hw.job.passes.Passes`, as a function."""

from dataclasses import dataclass, replace

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data

from hw.config import Design
from hw.job.passes import Passes


__all__ = ["Standing"]


@dataclass(frozen=True)
class Standing:
    """Where a walk through a job stands: what is left of it, and of which job.

    Attributes
    ----------
    design : Design
    job : View
        See :class:`hw.job.job.Job`.
    active, tokens, tiles, blocks, first_chunk, first_tile : Value
        What is left; if ``active`` is low nothing is, and the others have no meaning.
    """

    design: Design
    job: data.View
    active: Value
    tokens: Value
    tiles: Value
    blocks: Value
    first_chunk: Value
    first_tile: Value

    @classmethod
    def of(cls, passes: Passes) -> "Standing":
        """Of a component that walks."""
        return cls(passes.design, passes.run.job, passes.active, passes.tokens_left,
                   passes.tiles_left, passes.blocks_left, passes.first_chunk, passes.first_tile)

    @property
    def chunked(self) -> Value:
        """Whether tokens are longer than the buffers."""
        return self.job.k_blocks > self.design.max_blocks

    @property
    def _batch(self) -> Value:
        return Mux(self.chunked, self.design.rows, self.design.batch_tokens)

    def batch(self) -> "Standing":
        """The same, with all tiles of the batch still to come if it stays in the buffer."""
        return replace(self, tiles=Mux(self.chunked, self.tiles, 1),
                       first_tile=self.first_tile | ~self.chunked)

    def after(self, *, streamed: bool = False) -> "Standing":
        """Where it stands a pass later; ``streamed`` if batches that stay are one pass."""
        tile_ends = self.blocks <= self.design.max_blocks
        batch_ends = tile_ends & (self.tiles <= 1)
        tiles = Mux(self.chunked, self.job.column_tiles, 1) if streamed else self.job.column_tiles
        return replace(
            self,
            active=self.active & ~(batch_ends & (self.tokens <= self._batch)),
            blocks=Mux(tile_ends, self.job.k_blocks,
                       (self.blocks - self.design.max_blocks)[:len(self.blocks)]),
            first_chunk=tile_ends,
            tiles=Mux(batch_ends, tiles, (self.tiles - tile_ends)[:len(self.tiles)]),
            first_tile=batch_ends | (self.first_tile & ~tile_ends),
            tokens=Mux(batch_ends, (self.tokens - self._batch)[:len(self.tokens)], self.tokens))

    def kept(self, m: Module) -> "Standing":
        """Where it stood a cycle ago, of the same job."""
        was = {name: Signal.like(getattr(self, name), name=f"{name}_before")
               for name in ("active", "tokens", "tiles", "blocks", "first_chunk", "first_tile")}
        m.d.sync += [one.eq(getattr(self, name)) for name, one in was.items()]
        return replace(self, **was)

    def less(self, other: "Standing") -> Value:
        """Whether less is left than at another place: of tokens, then tiles, then blocks."""
        names, before, fewer = ("tokens", "tiles", "blocks"), C(1), C(0)
        for name in names:
            one, two = getattr(self, name), getattr(other, name)
            fewer, before = fewer | (before & (one < two)), before & (one == two)
        return ~self.active | fewer

    def strays(self, *, streamed: bool) -> Value:
        """Whether it stands where no walk through the job comes."""
        tiles = Mux(self.chunked, self.job.column_tiles, 1) if streamed else self.job.column_tiles
        fits = [(left != 0) & (left <= most) for left, most in (
            (self.blocks, self.job.k_blocks), (self.tiles, tiles), (self.tokens, self.job.tokens))]
        return self.active & ~Cat(
            *fits, self.first_chunk == (self.blocks == self.job.k_blocks),
            self.chunked | self.first_chunk).all()

    def same(self, other: "Standing") -> Value:
        """Whether both stand at the same place."""
        left = ("tokens", "tiles", "blocks", "first_chunk", "first_tile")
        return (self.active == other.active) & (~self.active | Cat(
            getattr(self, name) == getattr(other, name) for name in left).all())
