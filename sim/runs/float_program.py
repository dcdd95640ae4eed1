"""A linear layer in floats by the driver in C; see :mod:`sim.runs.program`, which has integers."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hw.config import Design
from hw.formats import BLOCK_FORMATS, Format
from sim.runs.program import call, start, submit
from sim.runs.system import Memory
from sim.verilated.c_driver import Driver, Job, Terms
from sw.driver.float_memory import float_memory_job
from sw.driver.float_operands import elements, terms_of
from sw.driver.floats import FloatLayer, result_floats
from sw.driver.memory import MemoryJob
from sw.exact.blocks import Blocks
from sw.exact.formats import to_bits


__all__ = ["Run", "float_job_of", "run_float_program"]


class Run(NamedTuple):
    """Results [T, O] of a layer, the cycles from its submission to the interrupt, and more.

    ``moved`` are bytes over the bus, by the names of :data:`hw.layouts.STREAMS`.
    """

    y: Tensor
    cycles: int
    array_cycles: int
    steps: int
    moved: dict[str, int]


def float_job_of(driver: Driver, design: Design, layer: FloatLayer, asked: MemoryJob,
                 addresses: dict[str, int]) -> Job:
    """The job of a layer as a program makes it: its buffers are written by the driver alone."""
    job, (outputs, features) = Job(), layer.weight.shape
    call(driver, "shape", driver.job("shape", job, len(layer.x), features, outputs))
    for name in ("output", "job_pattern", "threshold", "activate", "tensor_scale"):
        setattr(job, name, asked.registers.get(name.upper(), 0))
    for name, address in addresses.items():
        setattr(job, name, address)
    coded, m = elements(layer.weight, design, layer.scale), design.pattern.m
    driver.job("put_tokens", job, driver.pointer(job.act),
               _bits(layer.x, design.number), features)
    driver.job("put_weights", job, driver.pointer(job.weight),
               _bits(coded.values, design.weight), outputs, features)
    if isinstance(coded, Blocks):
        size = BLOCK_FORMATS[coded.name].size
        scales = coded.scale.view(torch.uint8).repeat_interleave(size // m, 1)
        driver.job("put_weight_scales", job, driver.pointer(job.weight),
                   np.ascontiguousarray(scales[:, :job.k_blocks].numpy()), outputs)
    if layer.finishes(design):
        scale, bias = terms_of(coded, layer.bias, design)
        scale = torch.zeros_like(bias) if scale is None else scale  # which the driver leaves out
        terms = (Terms * outputs)(*(Terms(factor, 0, bits) for factor, bits in zip(*(
            to_bits(part, design.result_format).tolist() for part in (scale, bias)), strict=True)))
        driver.job("put_terms", job, driver.pointer(job.channel), terms, outputs)
    return job


def run_float_program(design: Design, memory: Memory, layer: FloatLayer) -> Run:
    """Run a layer in floats, whose weights come as they are, with the driver in C as master.

    Raises
    ------
    RuntimeError
        If a call of the driver fails, or the job breaks a rule of the bus.
    """
    asked = float_memory_job(design, *layer)
    device, driver, addresses = start(design, memory, asked)
    job = float_job_of(driver, design, layer, asked, addresses)
    cycles, bits = submit(driver, device, job, len(layer.x), len(layer.weight))
    return Run(result_floats(bits, design), cycles,
               device.read("ARRAY_CYCLES"), device.read("STEPS"), device.bytes_moved)


def _bits(values: Tensor, form: Format) -> np.ndarray:
    """A C array of the bits of numbers."""
    kind = np.uint16 if form.bits > 8 else np.uint8
    return np.ascontiguousarray(to_bits(values, form.name).numpy().astype(kind))
