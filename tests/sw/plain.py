"""Independent plain-Python versions: loops over blocks, no tensors."""

import math


PATTERNS = ((2, 4), (4, 8), (8, 16), (16, 32), (1, 4), (3, 4), (3, 7), (8, 8), (1, 64))


def magnitude(value):
    """Sorts like the magnitude; NaN is the largest."""
    return (1, 0.0) if math.isnan(value) else (0, abs(value))


def mask(token, n, m, coefficients=None):
    """Mask of one token, a list of numbers, as a list of blocks of m booleans."""
    factors = coefficients or [1] * len(token)
    scores = [value * factor for value, factor in zip(token, factors, strict=True)]
    scores += [0] * (-len(scores) % m)
    blocks = []
    for start in range(0, len(scores), m):
        block = scores[start:start + m]
        order = sorted(range(m), key=lambda k: (magnitude(block[k]), -k), reverse=True)
        blocks.append([k in order[:n] for k in range(m)])
    return blocks


def flat_mask(token, n, m, coefficients=None):
    """The same, cut to the features of the token."""
    return [bit for block in mask(token, n, m, coefficients) for bit in block][:len(token)]
