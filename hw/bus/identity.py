"""What the bus says of itself in its registers."""

from hw.config import Design


__all__ = ["bus_identity"]


def bus_identity(design: Design) -> dict[str, int]:
    """Values of the read-only fields that never change, by the name of the field."""
    return {
        "word_bytes": design.bus_bytes,
        "address_bits": design.address_width,
        "longest": design.burst_beats,
        "in_flight": design.outstanding,
    }
