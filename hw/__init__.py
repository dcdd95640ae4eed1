"""Hardware generator. Imports nothing: `hw.config` is shared by what needs no Amaranth."""

VERSION = "0.1.0"
"""Version of the project: the only place where it stands."""
