"""Parts with a fault put into their Verilog by hand."""

import re

from verify.mutate.devices import device, verilog
from verify.mutate.make import SELECT


__all__ = ["faulty"]


def faulty(component, module, pattern, changed):
    """A part in simulation in whose ``module`` the first text of a pattern is ``changed``."""
    text = verilog(component.top, component.design)
    start = text.index(f"module {module}(")
    after, count = re.subn(pattern, changed, text[start:], count=1)
    assert count == 1, pattern
    port = f"nm_{component.top}(\n  input"  # the harness has a choice
    after = after.replace(port, f"{port} [15:0] {SELECT}, input")
    return device(component.top, component.design, text[:start] + after)
