"""The command ``python -m verify.coverage``."""

from verify.coverage.command import main


if __name__ == "__main__":
    main()
