"""Hardware generator. Imports no Amaranth: `hw.config` is shared by what needs none."""

import hw.command.early  # noqa: F401 - signals, from here on


VERSION = "0.1.0"
"""Version of the project: the only place where it stands."""
