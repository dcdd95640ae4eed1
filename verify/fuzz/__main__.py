"""The command ``python -m verify.fuzz``."""

from verify.fuzz.command import main


if __name__ == "__main__":
    main()
