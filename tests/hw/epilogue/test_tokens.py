"""The table of tokens' terms: a row has those of its token, however long it waits."""

import pytest

from hw.config import Design, Pattern
from hw.epilogue.tokens import TokenTable
from tests.hw.streams import simulate


@pytest.mark.parametrize(("batch", "blocks"), [(1, 1), (2, 1), (3, 1), (5, 1), (5, 3)])
@pytest.mark.parametrize("tiles", [1, 2])
def test_terms_wait_for_their_rows(batch, blocks, tiles):
    """No more than four batches are taken before the first row has left; then all come, in order.

    The first row is on offer, which is all of a batch of one. Tokens of three blocks come in
    chunks: a batch is a group of two.
    """
    table = TokenTable(Design(Pattern(2, 4), rows=2, columns=2, max_k=8, batch_tokens=batch))
    size, tokens = batch if blocks <= 2 else 2, 43
    taken, got = [], []

    async def run(ctx):
        for name, value in (("k_blocks", blocks), ("tokens", tokens), ("column_tiles", tiles)):
            ctx.set(table.run.job[name], value)
        ctx.set(table.corrections.wanted, 1)
        ctx.set(table.run.begin, 1)
        await ctx.tick()
        ctx.set(table.run.begin, 0)
        for cycle in range(600):
            ctx.set(table.o.ready, cycle >= 60)
            ctx.set(table.i.payload.scale, len(taken))
            ctx.set(table.i.valid, len(taken) < tokens)
            if cycle == 60:
                assert len(taken) == (5 if size == tiles == 1 else 4 * size)
            *_, takes, ready, gives, scale = await ctx.tick().sample(
                table.i.valid, table.i.ready, table.o.valid, table.o.payload.scale)
            if takes and ready:
                taken.append(len(taken))
            if gives and cycle >= 60:
                got.append(scale)

    simulate(table, run)
    batches = [range(first, min(first + size, tokens)) for first in range(0, tokens, size)]
    assert got == [token for part in batches for _ in range(tiles) for token in part]
