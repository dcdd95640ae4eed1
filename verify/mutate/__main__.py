"""The command ``python -m verify.mutate``."""

from verify.mutate.command import main


if __name__ == "__main__":
    main()
