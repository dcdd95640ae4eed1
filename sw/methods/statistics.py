"""Statistics of the inputs of a layer, as a method uses them."""

from collections.abc import Mapping

from torch import Tensor

from sw.methods.method import Method


__all__ = ["used_statistics"]


def used_statistics(method: Method, given: Mapping[str, Tensor], features: int, name: str,
                    ) -> dict[str, Tensor]:
    """Return those statistics of a layer that a method uses.

    Parameters
    ----------
    method : Method
        Of the layer.
    given : mapping of str to Tensor
        As ``sw.methods.observe.observe`` gives them.
    features : int
        Input features of the layer.
    name : str
        Of the layer, for messages.

    Raises
    ------
    ValueError
        If one is missing that the method cannot do without, or of another size.
    """
    names = method.corrections
    for correction, needed in (("s-pts", "shift"), ("larosa", "covariance")):
        if correction in names and needed not in given:
            raise ValueError(f"{correction} must be calibrated: give observe(model, batches), "
                             "not none")
    # Of rotated inputs no norm was measured.
    sizes = {"shift": [] if "s-pts" in names else None,
             "covariance": [features, features] if "larosa" in names else None,
             "largest": [features] if "smooth" in names else None,
             "norm": [features] if method.criterion == "clact" and "larosa" not in names else None}
    found = {key: given[key] for key, size in sizes.items() if size is not None and key in given}
    for key, value in found.items():
        if list(value.shape) != sizes[key]:
            raise ValueError(f"statistics of {name} must have {key} of the shape {sizes[key]}, not "
                             f"{list(value.shape)}")
    return found
