"""What flows, register tools and readers need of a design beside its Verilog.

Everything is made from the manifest: nothing is described twice.
"""

from hw.generate.package.area import Area, read_area
from hw.generate.package.files import Packaging, left_out, names, package
from hw.generate.package.schema import Schema


__all__ = ["Area", "Packaging", "Schema", "left_out", "names", "package", "read_area"]
