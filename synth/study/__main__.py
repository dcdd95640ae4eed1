"""The command ``python -m synth.study``."""

from synth.study.command import main


if __name__ == "__main__":
    main()
