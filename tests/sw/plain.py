"""Independent plain-Python versions: loops over blocks, no tensors."""

import math
import statistics


PATTERNS = ((2, 4), (4, 8), (8, 16), (16, 32), (1, 4), (3, 4), (3, 7), (8, 8), (1, 64))


def magnitude(value):
    """Sorts like the magnitude; NaN is the largest."""
    return (1, 0.0) if math.isnan(value) else (0, abs(value))


def largest(values, count, coefficients=None):
    """Which are the ``count`` largest of a list of numbers; of equal ones those that come first."""
    factors = coefficients or [1] * len(values)
    scores = [value * factor for value, factor in zip(values, factors, strict=True)]
    order = sorted(range(len(scores)), key=lambda k: (magnitude(scores[k]), -k), reverse=True)
    chosen = set(order[:count])
    return [k in chosen for k in range(len(scores))]


def mask(token, n, m, coefficients=None):
    """Mask of one token, a list of numbers, as a list of blocks of m booleans."""
    factors = coefficients or [1] * len(token)
    scores = [value * factor for value, factor in zip(token, factors, strict=True)]
    scores += [0] * (-len(scores) % m)
    return [largest(scores[start:start + m], n) for start in range(0, len(scores), m)]


def flat_mask(token, n, m, coefficients=None):
    """The same, cut to the features of the token."""
    return [bit for block in mask(token, n, m, coefficients) for bit in block][:len(token)]


def multiply(rows, matrix):
    """Product of rows [T, K] and the transpose of a matrix [O, K]."""
    return [[math.fsum(a * b for a, b in zip(row, other, strict=True)) for other in matrix]
            for row in rows]


def columns(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def coefficients(criterion, weight, norms):
    """Factor of every input feature."""
    if criterion == "clact":
        return norms
    if criterion == "wina":
        return [math.sqrt(sum(w * w for w in column)) for column in columns(weight)]
    if criterion == "variance":
        return [statistics.variance(column) for column in columns(weight)]
    if criterion == "amber":
        ordered = sorted(w for row in weight for w in row)
        limits = []
        for share in (0.005, 0.995):  # between the two nearest values, linearly
            place = share * (len(ordered) - 1)
            below = math.floor(place)
            limits.append(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))
        inliers = [w for w in ordered if limits[0] <= w <= limits[1]]
        mean, deviation = statistics.fmean(inliers), statistics.pstdev(inliers)
        norms = [math.sqrt(sum(((w - mean) / deviation) ** 2 for w in column))
                 for column in columns(weight)]
        return [norm / min(norms) for norm in norms]
    return None


def kept(token, pattern, factors):
    """Mask of one token: a pattern, or the percentage that is dropped of it."""
    if not isinstance(pattern, int):
        return flat_mask(token, pattern.n, pattern.m, factors)
    return largest(token, len(token) * (100 - pattern) // 100, factors)


def layer(x, weight, bias, pattern, criterion, corrections, found, learned):
    """A sparse linear layer, one token after the other.

    ``found``: ``shift``, ``norm``, ``largest``, ``rotation`` (columns are directions);
    ``learned``: ``l-pts``, ``shift``, ``ls``, ``a``, ``b``.
    """
    scale = [1.0] * len(x[0])
    if "smooth" in corrections:
        scale = [math.sqrt(high / max(abs(w) for w in column))
                 for high, column in zip(found["largest"], columns(weight), strict=True)]
    turn = columns(found["rotation"]) if "larosa" in corrections else None
    scaled = [[w * s for w, s in zip(row, scale, strict=True)] for row in weight]
    space = multiply(scaled, turn) if turn else scaled
    turned = multiply(weight, turn) if turn else weight
    factors = coefficients(criterion, turned, found["norm"])
    outputs = []
    for token in x:
        token = [value / s for value, s in zip(token, scale, strict=True)]
        token = multiply([token], turn)[0] if turn else token
        eta = [0.0] * len(token)
        if "d-pts" in corrections:
            eta = [statistics.median_low(token)] * len(token)
        if "d-pts-mean" in corrections:
            eta = [statistics.fmean(token)] * len(token)
        if "s-pts" in corrections:
            eta = [found["shift"]] * len(token)
        if "l-pts" in corrections:
            eta = learned["l-pts"]
        z = [value - e for value, e in zip(token, eta, strict=True)]
        sparse = [value if keep else 0.0
                  for value, keep in zip(z, kept(z, pattern, factors), strict=True)]
        v = math.sqrt(statistics.variance(z) / max(statistics.variance(sparse), 1e-9)) \
            if "var" in corrections else 1.0
        y = multiply([[v * value + e for value, e in zip(sparse, eta, strict=True)]], space)[0]
        if "r-sparse" in corrections:
            dropped = [a - b for a, b in zip(z, sparse, strict=True)]
            if turn:
                dropped = multiply([dropped], found["rotation"])[0]
            dropped = [value * s for value, s in zip(dropped, scale, strict=True)]
            extra = multiply(multiply([dropped], learned["b"]), learned["a"])[0]
            y = [value + more for value, more in zip(y, extra, strict=True)]
        if "ls" in corrections:
            y = [value * (1 + d) for value, d in zip(y, learned["ls"], strict=True)]
        if "shift" in corrections:
            y = [value + b for value, b in zip(y, learned["shift"], strict=True)]
        outputs.append([value + b for value, b in zip(y, bias, strict=True)])
    return outputs


def quantized(rows, highs):
    """Integers of every row and the step of each: its largest magnitude becomes 127."""
    steps = [high / 127 if high else 1.0 for high in highs]
    return [[max(-128, min(127, round(value / step))) for value in row]
            for row, step in zip(rows, steps, strict=True)], steps


def integer_layer(x, weight, bias, pattern, factors, corrections):
    """The same on the integers of the hardware, with ``d-pts`` and ``var``."""
    integers, channels = quantized(weight, [max(map(abs, row)) for row in weight])
    if factors:
        factors = [round(f / max(factors) * 255) for f in factors]
    outputs = []
    for token in x:
        eta = statistics.median_low(token) if "d-pts" in corrections else 0.0
        high = max(max(abs(value), abs(value - eta)) for value in token)
        (values,), (step,) = quantized([token], [high])
        whole = max(-128, min(127, round(eta / step)))
        z = [max(-128, min(127, value - whole)) for value in values]
        sparse = [value if keep else 0
                  for value, keep in zip(z, kept(z, pattern, factors), strict=True)]
        v = math.sqrt(statistics.variance(z) / statistics.variance(sparse)) \
            if "var" in corrections else 1.0
        outputs.append([
            (v * sum(a * b for a, b in zip(sparse, row, strict=True)) + whole * sum(row))
            * step * channel + b
            for row, channel, b in zip(integers, channels, bias, strict=True)])
    return outputs
