"""The command ``python -m synth.energy``."""

from synth.energy.command import main


if __name__ == "__main__":
    main()
