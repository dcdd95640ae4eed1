"""The schema of IP-XACT, where there is one at hand."""

from pathlib import Path

from hw.command.faults import Fault, reason


__all__ = ["Schema"]


class Schema:
    """An XML schema that was read.

    Parameters
    ----------
    path : Path
        Such as ``index.xsd`` of IEEE 1685-2014, with the files that it includes beside it.

    Raises
    ------
    ValueError
        If the file is no schema.
    ModuleNotFoundError
        Without lxml.
    """

    def __init__(self, path: Path):
        try:
            from lxml import etree
        except ModuleNotFoundError:
            raise ModuleNotFoundError("lxml must be installed, not missing: pip install "
                                      "'nmforge[package]'", name="lxml") from None
        self.name = path.name
        self._parse = etree.fromstring
        try:
            self._schema = etree.XMLSchema(etree.parse(path))
        except (OSError, etree.LxmlError) as error:
            raise ValueError(f"schema must be an XML schema, not {str(path)!r} "
                             f"({reason(error)})") from None

    def check(self, text: str) -> None:
        """Raise Fault if an XML text is not valid."""
        if not self._schema.validate(self._parse(text.encode())):
            raise Fault(f"the IP-XACT component must be valid by {self.name}, not wrong: "
                        f"{self._schema.error_log[0].message}")
