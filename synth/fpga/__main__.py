"""The command ``python -m synth.fpga``."""

from synth.fpga.command import main


if __name__ == "__main__":
    main()
