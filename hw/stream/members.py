"""Members and fields that only some designs have."""


__all__ = ["only_if"]


def only_if(condition, **members) -> dict:
    """Return ``members`` if a design has them, and none otherwise: where they exist, and when."""
    return members if condition else {}
