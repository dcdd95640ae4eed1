"""The site: pages of this folder, and the API reference from the docstrings (Sphinx)."""

import re
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from typing import Any

from docutils.nodes import Element, document
from sphinx.addnodes import desc_annotation
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from hw import VERSION


project = "nmforge"
copyright = "the authors of nmforge, Apache-2.0"
release = version = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.apidoc"]
highlight_language = "text"     # of blocks without a language: commands and drawings
html_theme = "furo"
html_title = f"nmforge {VERSION}"
exclude_patterns = ["results", "reference/*/modules.rst"]
myst_heading_anchors = 4    # anchors are those of the page in the repository

# A page for each room, its files below each other. What a room passes on stands where it is made.
PACKAGES = ("hw", "sw", "sim", "synth", "verify")
apidoc_modules = [{"path": f"../{package}", "destination": f"reference/{package}",
                   "module_first": True} for package in PACKAGES]
apidoc_exclude_patterns = ["../sim/tests", "../sim/benches"]   # pytest and cocotb import these
autodoc_default_options = {"members": True, "show-inheritance": True, "ignore-module-all": True,
                           "exclude-members": "elaborate"}
autodoc_mock_imports = [name for name in ("triton",) if find_spec(name) is None]   # Linux alone
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 90
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [("Members", "params_style"), ("Fields", "params_style"),
                            ("Ports", "params_style")]

nitpicky = True
suppress_warnings = ["ref.python"]   # of types: two rooms may have the same short name


def setup(app: Sphinx) -> None:
    """Hook into docstrings, and into their references."""
    app.connect("autodoc-process-docstring", _complete, priority=100)   # before NumPy sections
    app.connect("doctree-read", _shorten)
    app.connect("missing-reference", _home)
    app.connect("warn-missing-reference", lambda app, domain, node: not _ours(node))


def _complete(app: Sphinx, what: str, name: str, thing: Any, options: Any,
              lines: list[str]) -> None:
    """Keep colons in the sentence of a value, and add what fields of parameters say."""
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]      # napoleon takes a first line up to a colon for a type
    if what == "class" and is_dataclass(thing):
        own = vars(thing).get("__annotations__", {})
        lines += ["", *(f":param {field.name}: {field.metadata['help']}" for field in fields(thing)
                        if field.name in own and "help" in field.metadata), ""]


def _shorten(app: Sphinx, doctree: document) -> None:
    """Leave out values that are a line and more, and those that tell of the machine."""
    for node in list(doctree.findall(desc_annotation)):
        value = node.astext()
        if value.startswith(" = ") and (len(value) > 90 or re.search(r"Path\(|<", value)):
            node.parent.remove(node)


def _ours(node: Element) -> bool:
    """Whether a role in a docstring names something of the project; types may be any words."""
    package, dot, _ = node["reftarget"].partition(".")
    return "refdoc" in node and "refwarn" in node and (not dot or package in PACKAGES)


def _home(app: Sphinx, env: BuildEnvironment, node: Element, content: Element) -> Element | None:
    """Lead a name that a room passes on, or that a file imports, to the file that makes it."""
    if node.get("refdomain") != "py" or not _ours(node) or "py:module" not in node:
        return None
    parts = node["reftarget"].split(".")
    if len(parts) == 1:
        parts.insert(0, node["py:module"].partition(".")[0])
    python = env.domains["py"]
    homes = [known for known in python.objects if _leads(parts, known.split("."))]
    if len(homes) != 1:
        return None
    return python.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], homes[0], node,
                               content)


def _leads(parts: list[str], known: list[str]) -> bool:
    """Whether a full name is a shorter one with modules in between."""
    rest = iter(known)
    return known[-1] == parts[-1] and all(part in rest for part in parts)
