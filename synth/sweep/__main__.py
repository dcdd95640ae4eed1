"""The command ``python -m synth.sweep``."""

from synth.sweep.command import main


if __name__ == "__main__":
    main()
