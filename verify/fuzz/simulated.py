"""A component in Amaranth's simulator, compiled once for all cases."""

from collections.abc import Awaitable, Callable
from typing import Any

from amaranth.sim import Simulator


__all__ = ["Simulated"]


class Simulated:
    """Runs testbenches one after the other, each from power-up on.

    Parameters
    ----------
    dut : Elaboratable
    clocked : bool
        Whether it has a clock.
    """

    def __init__(self, dut: Any, *, clocked: bool = False):
        self.dut = dut
        self._bench: Callable[[Any], Awaitable[None]] | None = None
        self._simulator = Simulator(dut)
        if clocked:
            self._simulator.add_clock(1e-6)
        self._simulator.add_testbench(self._run)

    async def _run(self, ctx: Any) -> None:
        assert self._bench is not None
        await self._bench(ctx)

    def run(self, bench: Callable[[Any], Awaitable[None]]) -> None:
        """Run one testbench to its end."""
        if self._bench is not None:
            self._simulator.reset()
        self._bench = bench
        self._simulator.run()
