"""A small study with figures that can be checked by hand."""

from synth.study.data import Row, Study


PATTERNS = ("2:4", "4:8", "8:16", "16:32")

GATES = {"2:4": 700.0, "4:8": 600.0, "8:16": 620.0, "16:32": 660.0, "16:16": 1000.0, "4:4": 1200.0}
"""Of accelerators that all do 32 products a cycle; the smallest dense one has 1,000."""

LOST = {"2:4": 0.4, "4:8": 0.3, "8:16": 0.2, "16:32": 0.19}


def design(pattern: str, gates: float | None, **more) -> Row:
    """An accelerator on the project's cells."""
    n, m = map(int, pattern.split(":"))
    dense = n == m
    energy = None if gates is None else {
        "product": gates / 1000, "spread": 1.0, "settled": gates / 2000, "unit": "pJ",
        "parts": {"multipliers and adders": gates / 1000}}
    row = {
        "technology": "cells", "target": "asic", "goal": "area", "design": "accelerator",
        "pattern": pattern, "dense": dense, "selector": "" if dense else "rank",
        "gather": "" if dense else "auto", "format": "int8", "options": "", "rows": 1,
        "columns": 32 // m, "products": 32, "parameters": {"rows": 1, "columns": 32 // m},
        "status": "done", "reason": None, "digest": "0" * 64, "area": gates, "gates": gates,
        "delay": 20.0, "flip_flops": 10, "memory_bits": 64, "logic": gates, "memory": 100.0,
        "whole": gates and gates + 100.0, "overhead_percent": None if dense else 10.0,
        "throughput_per_area": None if dense else 1.818,
        "parts": {} if gates is None else {
            "multipliers and adders": gates - 100, "registers": 60.0,
            "gather" if not dense else "control": 40.0, "memories": 100.0},
        "memories": None, "energy": energy, "wires": None}
    return {**row, **more}


def fpga(pattern: str, luts: int | None, dsps: int | None, **more) -> Row:
    """An array on an FPGA that does 32 products a cycle."""
    n, m = map(int, pattern.split(":"))
    return {"technology": "ecp5", "target": "ecp5", "goal": "", "design": "array",
            "pattern": pattern, "dense": n == m, "selector": "", "gather": "", "format": "int8",
            "options": "", "rows": 1, "columns": 32 // m, "products": 32,
            "parameters": {"multiplier": "dsp"}, "status": "done", "reason": None,
            "digest": "1" * 64, "luts": luts, "flip_flops": luts and 3 * luts, "dsps": dsps,
            "rams": 0.5, "overhead_percent": None if n == m else 80.0,
            "stage": "synthesis only", **more}


def accuracy(pattern: str, lost: float, method: str = "act") -> Row:
    """A loss of a model over dense."""
    return {"model": "toy", "metric": "perplexity", "unit": "nats a token", "pattern": pattern,
            "method": method, "format": "int8", "value": 10 + lost, "dense": 10.0, "lost": lost,
            "error": 0.01, "source": "by hand"}


def small() -> Study:
    """Four patterns and two dense designs on one technology, two of them on a second one."""
    other = {"technology": "other</script>", "delay": 10.0}
    return Study(
        versions={"nmforge": "1", "pyosys": "0.70"},
        libraries={name: {"file": f"{name}.lib", "sha256": "ab" * 32, "area_unit": "GE",
                          "time_unit": "ns"} for name in ("cells", "other</script>")},
        designs=[*(design(pattern, gates) for pattern, gates in GATES.items()),
                 design("8:16", 640.0, selector="radix"),
                 design("16:16", 2000.0, **other), design("8:16", 1500.0, **other),
                 design("8:16", 300.0, design="pe", products=16, whole=None, memory=None),
                 design("16:32", None, design="pe", products=32, whole=None, memory=None,
                        status="timeout", reason="Yosys did not end within 600 s")],
        fpga=[fpga("8:8", 220, 32), fpga("16:16", 200, 32), fpga("4:8", 180, 16),
              fpga("8:16", 190, 16),
              fpga("8:16", 100, 0, design="selector", selector="rank", products=None),
              fpga("16:32", None, None, status="failed",
                   stage="failed", rams=None, reason="Yosys failed")],
        accuracy=[*(accuracy(pattern, lost) for pattern, lost in LOST.items()),
                  accuracy("unstructured-50", 0.15), accuracy("8:16", 0.1, "act d-pts+var"),
                  accuracy("2:4", 0.2, "act d-pts+var"),
                  {"model": "published", "metric": "accuracy", "unit": "", "pattern": "8:16",
                   "method": "clact", "format": "bf16", "value": 0.64, "lost": None,
                   "error": None, "source": "a log"}],
        tokens=[{"model": model, "phase": phase, "pattern": pattern, "technology": "cells",
                 "design": "1 x 1", "cycles": 1000.0, "busy": 0.9, "time": time,
                 "time_unit": "ms", "energy": 2 * time, "energy_unit": "uJ", "energy_of": "pe",
                 "bytes": 4096}
                for model in ("one", "two") for phase, scale in (("prefill", 1), ("decode", 3))
                for pattern, time in (("8:16", 5.0 * scale), ("16:16", 10.0 * scale))])
