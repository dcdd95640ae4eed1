"""The command ``python -m synth.performance``."""

from synth.performance.command import main


if __name__ == "__main__":
    main()
