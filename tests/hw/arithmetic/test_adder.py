"""Sums of many numbers, bit by bit."""

import numpy as np
import pytest
from amaranth.hdl import Cat

from hw.arithmetic.adder import ChainedColumns, Columns
from tests.hw.gates import Bench, run


COUNT, BITS, WIDTH = 5, 6, 11


@pytest.mark.parametrize("kind", [Columns, ChainedColumns])
def test_sum_is_exact_modulo_its_width(kind, tmp_path):
    def build(m, given):
        columns = kind(WIDTH)
        for k in range(COUNT):
            for place, bit in enumerate(given[f"number{k}"]):
                columns.add(place + k, bit, negative=k == 1 or place == BITS - 1, last=k == 2)
        return {"total": Cat(columns.sum(m))}

    numbers = np.random.default_rng(5).integers(0, 1 << BITS, (COUNT, 4096))
    numbers[:, :2] = [0, (1 << BITS) - 1]
    bench = Bench({f"number{k}": BITS for k in range(COUNT)}, {"total": WIDTH}, build)
    found = run(bench, tmp_path, **{f"number{k}": row for k, row in enumerate(numbers)})
    half = 1 << BITS - 1
    values = [-row if k == 1 else (row ^ half) - half for k, row in enumerate(numbers)]
    wanted = sum(value << k for k, value in enumerate(values)) % (1 << WIDTH)
    assert np.array_equal(found["total"], wanted)
