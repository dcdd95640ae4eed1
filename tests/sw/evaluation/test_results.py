"""The table that evaluations write."""

import itertools
import random

from sw.evaluation.results import Results


PATTERNS = ["2:4", "4:8", "8:16", "16:32", "unstructured-50", "unstructured-70"]
METHODS = [("act", "", False), ("clact", "", False), ("weight", "", False),
           ("act", "d-pts", False), ("act", "d-pts+var", False), ("act", "ls+shift", False),
           ("act", "var", False), ("act", "", True), ("clact", "", True)]


def row(pattern, method, loss):
    return {"pattern": pattern, "criterion": method[0], "corrections": method[1],
            "integer": method[2], "format": "none", "selection": "before",
            "score": 2.0, "losses": [loss, loss + 1, loss + 2],
            "layer_snr_db": 1.0, "energy_kept": 0.5}


def write(folder, rows):
    results = Results(folder, {"model": "x", "measure": "perplexity"})
    results.save(dense={"score": 1.0, "losses": [1.0, 1.0, 1.0]})
    for each in rows:
        results.save(each)
    results.report()
    return (folder / "results.md").read_text().splitlines()


def test_order_is_that_of_the_documentation_not_that_of_computing(tmp_path):
    rows = [row(pattern, method, 1.0) for pattern, method in itertools.product(PATTERNS, METHODS)
            if (pattern, method) != ("2:4", METHODS[3])]
    random.Random(0).shuffle(rows)
    lines = write(tmp_path, rows)
    assert lines[2] == "| perplexity | 2:4 | 4:8 | 8:16 | 16:32 | 50 % | 70 % |"
    assert [line.split(" | ")[0] for line in lines[4:13]] == [
        "| act", "| clact", "| weight", "| act d-pts", "| act d-pts+var", "| act ls+shift",
        "| act var", "| act int8", "| clact int8"]


def test_cells_hold_paired_gains_and_stay_empty_where_nothing_was_run(tmp_path):
    lines = write(tmp_path, [row("2:4", METHODS[0], 1.5), row("4:8", METHODS[0], 1.25),
                             row("2:4", METHODS[3], 1.0), row("8:16", METHODS[1], 1.0)])
    # Losses of the windows are 1 apart: their standard error is 1 / sqrt(3), that of gains 0.
    assert lines[4:7] == [
        "| act | 2.00 (0.577) | 2.00 (0.577) |  |",
        "| clact |  |  | 2.00 (0.577) |",
        "| act d-pts | 2.00 (+0.500, 0.000) |  |  |"]
    assert lines[8] == "| loss over dense, nats a token | 2:4 | 4:8 | 8:16 |"
    assert lines[10] == "| act | 1.500 (0.577) | 1.250 (0.577) |  |"
