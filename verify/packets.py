"""Jobs with packets of other lengths, on every stream, whose next ones are there already."""

from dataclasses import replace

import numpy as np

from hw.fixed_point import Output
from hw.registers import Error
from sw.driver.beats import Beats
from sw.driver.linear import DONE, ERROR_BIT
from verify.jobs import JobBench


__all__ = ["packets"]


def packets(bench: JobBench) -> None:
    """Packets that are too short and too long, of every stream: zeros and nothing for them.

    Those of the next job stand right behind them, and are left to it.
    """
    errors = {"act": Error.ACT_TLAST, "weight": Error.WEIGHT_TLAST, "coef": Error.COEF_TLAST,
              "token": Error.TOKEN_TLAST, "channel": Error.CHANNEL_TLAST}
    output = Output.INT8 if Output.INT8 in bench.outputs else Output.RAW
    tokens = min(6, bench.design.batch_tokens)  # each packet of weights comes once
    job = bench.small(9, tokens, bench.features, bench.terms(output, tokens, 9))
    for name, error in errors.items():
        if name not in job.inputs:
            continue
        for fault in (_short, _long):
            bench.start(job)
            bench.model.offer(job.inputs | {name: fault(job.inputs[name])})
            bench.model.offer(job.inputs)
            bench.same(job if fault is _long else replace(
                job, inputs=job.inputs | {name: _zeroed(job.inputs[name])}), queued=True)
            assert bench.status() == DONE | error << ERROR_BIT, f"{name} {fault.__name__}"
            bench.start(job)
            bench.finish(job)


def _short(beats: Beats) -> Beats:
    """The first packet without its last beat, where it has several."""
    end = int(np.flatnonzero(beats.last)[0])
    last = beats.last.copy()
    last[end - 1] = True
    return Beats(np.delete(beats.data, end, 0), np.delete(last, end))


def _zeroed(beats: Beats) -> Beats:
    """What becomes of that packet: the beat that is missing is zero."""
    keep = np.arange(len(beats.last)) != int(np.flatnonzero(beats.last)[0])
    return Beats(beats.data * keep[:, None], beats.last)


def _long(beats: Beats) -> Beats:
    """The last packet with one more beat."""
    last = beats.last.copy()
    last[-1] = False
    return Beats(np.concatenate([beats.data, beats.data[-1:]]), np.append(last, True))
