"""From a component to readable, reproducible Verilog."""

import gc
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

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

from hw.generate.lint import equal_widths
from hw.generate.names import name_fields
from hw.generate.yosys import to_text
from hw.stream.memory import Memory


__all__ = ["Emitted", "Store", "emit", "to_verilog"]


# Reset alone brings a design to its start: contents of memories and flip-flops at power-up are not
# something that every target can set.
_INITIAL = re.compile(r"^ +attribute \\init [^\n]*\n|^  cell \$meminit_v2 .*?^  end\n", re.M | re.S)


@dataclass(frozen=True)
class Store:
    """A module that is a memory: its name, how often it stands in the design, words and bits."""

    module: str
    instances: int
    words: int
    bits: int


@dataclass(frozen=True)
class Emitted:
    """Verilog of a design, and the memories in it."""

    text: str
    memories: tuple[Store, ...]


def to_verilog(component: wiring.Component, name: str) -> str:
    """Verilog-2005 of a component, as :func:`emit` writes it."""
    return emit(component, name).text


def emit(component: wiring.Component, name: str) -> Emitted:
    """Write a component as Verilog-2005, with a top module called ``name``.

    Every component below it becomes a module with the ports of its signature, called by its
    class: ``nm_array_pe`` is the PE of ``nm_array``. A class of which a design may hold several
    kinds says by its attribute ``variant`` which one it is, as in ``nm_array_stream_register_129``:
    no name depends on what else the design holds. Components of one class and equal parameters
    are written once and instantiated often, however large the array. Equal designs give equal
    text, byte for byte, on every call. Nothing has an initial value.

    Raises
    ------
    Fault
        If Yosys cannot convert the design, which is a defect of the design.
    """
    component._MustUse__used = True
    netlist = _Netlist(name)
    with _no_collector():
        top = netlist.add(component, name)
    return Emitted(to_text(netlist.texts), netlist.memories(top))


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
    text: str
    clock: bool
    reset: bool


class _Netlist:
    """The modules of a design as RTLIL, leaves first.

    Amaranth alone would write one module for each instance and invent names for its ports.
    """

    def __init__(self, top: str):
        self.top = top
        self.texts: list[str] = []
        self.kinds: dict[tuple, _Shared] = {}
        self.names: dict[str, _Shared] = {}
        self.below: dict[str, Counter[str]] = {}
        self.stores: dict[str, Memory] = {}

    def add(self, component: wiring.Component, name: str) -> _Shared:
        """Convert a component, and before it those below it, to a module ``name``."""
        module = component.elaborate(None)
        below = module._named_submodules  # Amaranth 0.5 has no public way to replace one
        children: Counter[str] = Counter()
        for instance, (inner, location) in below.items():
            part, reset = _with_reset(inner)
            if type(part).__module__.startswith("hw."):
                shared = self._shared(part)
                children[shared.name] += 1
                below[instance] = _instance(shared, part, reset), location
        if isinstance(component, Memory):
            _leave_contents_out(module)
        text = rtlil.convert(_Prepared(component, module), name=name, emit_src=False)
        text = equal_widths(name_fields(_INITIAL.sub("", text)))
        if name != self.top:
            text = text.replace("attribute \\top 1\n", "")
        if name in self.names:
            if self.names[name].text == text:
                return self.names[name]
            # Two kinds of a class that has no ``variant``.
            own = f"{name}_{sha256(text.encode()).hexdigest()[:8]}"
            text, name = text.replace(f"\nmodule \\{name}\n", f"\nmodule \\{own}\n"), own
        self.texts.append(text)
        self.below[name] = children
        if isinstance(component, Memory):
            self.stores[name] = component
        self.names[name] = _Shared(name, text, clock=_has_input(text, "clk"),
                                   reset=_has_input(text, "rst"))
        return self.names[name]

    def _shared(self, component: wiring.Component) -> _Shared:
        """Return the component's module, which is made for the first of its kind."""
        component._MustUse__used = True  # Amaranth does not see it: an equal one may stand for it
        component = getattr(component, "plain", component)
        component._MustUse__used = True
        kind = _kind(component)
        if kind not in self.kinds:
            parts = self.top, _snake(type(component).__name__), getattr(component, "variant", "")
            self.kinds[kind] = self.add(component, "_".join(filter(None, parts)))
        return self.kinds[kind]

    def memories(self, top: _Shared) -> tuple[Store, ...]:
        """Every memory below ``top``, by name."""
        total: Counter[str] = Counter()

        def visit(name: str, count: int) -> None:
            total[name] += count
            for child, number in self.below[name].items():
                visit(child, count * number)

        visit(top.name, 1)
        return tuple(Store(name, total[name], memory.words, memory.width)
                     for name, memory in sorted(self.stores.items()))


def _leave_contents_out(module: Module) -> None:
    """Let Amaranth write a memory without its zeros, of which it takes 10 kB for each word."""
    for inner, _ in module._named_submodules.values():
        inner.data.init._raw = []  # Amaranth 0.5 has no public way


def _instance(shared: _Shared, component: wiring.Component, reset: ValueLike) -> Instance:
    """Return an instance of a module with the ports of a component and its reset."""
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
    component, the module is this component's alone, or that of another one with the same text.
    """
    ports = [("__".join(map(str, path)), member.flow, Shape.cast(member.shape))
             for path, member, _ in component.signature.flatten(component)]
    parameters = {name: value for name, value in vars(component).items()
                  if name not in component.signature.members and not name.startswith("_")}
    if any(isinstance(value, wiring.Component) for value in parameters.values()):
        return type(component), id(component)
    kind = type(component), *ports, *sorted(parameters.items())
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
