"""The command ``python -m hw.generate``."""

from hw.generate.command import main


main()
