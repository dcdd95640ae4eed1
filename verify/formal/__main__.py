"""The command ``python -m verify.formal``."""

from verify.formal.command import main


if __name__ == "__main__":
    main()
