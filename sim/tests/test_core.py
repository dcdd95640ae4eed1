"""The driver in C on a RISC-V core beside the accelerator, in one model."""

from dataclasses import replace

import pytest
import torch

import sim.runs.core
from hw.config import Design, Pattern
from hw.registers import BusError
from sim.command import SENTENCE
from sim.core.firmware import BASE, TASK, TRAPPED, Task
from sim.core.system import CoreSystem, system_verilog
from sim.runs.core import run_core
from sim.runs.program import run_program
from sim.runs.system import Memory
from sim.simulators.runner import generated
from sim.tests.memories import BUS_DESIGNS
from sim.vectors.stimulus import generator
from sw.evaluation.activations import feed_forward
from sw.exact.quantize import quantize


pytestmark = pytest.mark.usefixtures("wheel")

DESIGN = BUS_DESIGNS["corrected"]
MEMORY = Memory(9)


def operands(tokens):
    rng = generator("core", tokens)
    return [torch.from_numpy(rng.integers(-128, 128, shape, dtype="int8"))
            for shape in ((tokens, 30), (6, 30))]


@pytest.mark.long
@pytest.mark.parametrize("weights_too", [False, True])
@pytest.mark.parametrize("tokens", [1, 5])
def test_a_core_comes_to_what_the_driver_comes_to(tokens, weights_too):
    """One token reads its weights by mask. The program's own work is more than the job."""
    x, weight = operands(tokens)
    ours = run_core(DESIGN, MEMORY, x, weight, weights_too=weights_too)
    theirs = run_program(DESIGN, MEMORY, x, weight)
    assert ours.exact
    assert (ours.moved, ours.steps) == (theirs.moved, theirs.steps)
    assert ours.firmware > 10 * ours.cycles
    assert abs(ours.cycles - theirs.cycles) < 200, "the handler of the interrupt begins later"


@pytest.fixture
def before(monkeypatch):
    """Sets what is done to the system once all is in memory, before the program begins."""
    def change(action):
        run = CoreSystem.run_program
        monkeypatch.setattr(CoreSystem, "run_program", lambda self, limit: (
            action(self), run(self, limit)))
    return change


@pytest.mark.long
def test_an_error_of_the_memory_reaches_the_program(before):
    before(lambda device: device.fail(1.0, ["weight"]))
    with pytest.raises(RuntimeError, match=f"^the program must succeed, not end with status "
                                           f"{BusError.READ.value}$"):
        run_core(DESIGN, MEMORY, *operands(5))


@pytest.mark.long
def test_what_the_core_cannot_do_is_a_trap_with_its_place(before):
    def spoil(device):
        """No instruction, once it is known where traps go."""
        device.memory[0x1C:][:4] = 0
    before(spoil)
    with pytest.raises(RuntimeError, match=f"status {TRAPPED}, trap 0x2 at {BASE + 0x1C:#x}$"):
        run_core(DESIGN, MEMORY, *operands(5))


@pytest.mark.long
def test_an_access_to_nothing_is_told(before):
    def misplace(device):
        """Tokens are read where there is no memory."""
        device.memory[TASK - BASE + Task.x.offset:][:4] = 0
    before(misplace)
    with pytest.raises(RuntimeError, match="must access what is there"):
        run_core(DESIGN, MEMORY, *operands(5))


@pytest.mark.long
def test_results_that_differ_are_seen(before):
    def change(device):
        """A token of another value."""
        place = int.from_bytes(device.memory[TASK - BASE + Task.x.offset:][:4].tobytes(), "little")
        device.memory[place - BASE] ^= 0x7F
    before(change)
    assert not run_core(DESIGN, MEMORY, *operands(5)).exact


@pytest.mark.long
def test_a_program_that_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr(sim.runs.core, "LIMIT", 1000)
    with pytest.raises(TimeoutError, match="must end within 1000 cycles"):
        run_core(DESIGN, MEMORY, *operands(5))


@pytest.mark.long
def test_a_layer_of_a_model_by_a_core():
    """MiniLM: the first token through a whole projection."""
    ffn = feed_forward([SENTENCE], 0)
    x, weight = (quantize(part).values for part in (ffn.x_up[:1], ffn.w_up))
    design = replace(Design(Pattern(8, 16)), bus="axi4")
    outcome = run_core(design, Memory(40, 16), x, weight)
    assert outcome.exact
    assert outcome.moved["weight"] == weight.numel()


def test_every_port_of_the_accelerator_is_one_of_the_system():
    ports = generated("accelerator", DESIGN)[1]["ports"]
    text = system_verilog(ports)
    for port in ports:
        assert f".{port['name']}({port['name']})" in text, port["name"]
    assert ".reset(rst)" in text
    others = [port | {"name": "rst_n"} if port["name"] == "rst" else port for port in ports]
    assert ".reset(~rst_n)" in system_verilog(others)
