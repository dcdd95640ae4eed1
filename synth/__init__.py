"""From designs to figures: synthesis, placement, energy, reports."""

import hw.command.early  # noqa: F401 - signals, from here on
