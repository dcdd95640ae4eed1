"""Random small designs, for what must be true of any of them."""

import gc
import random
import warnings
from collections.abc import Iterator

from amaranth.hdl import UnusedElaboratable

from hw.config import DESIGNS, Design, Pattern
from hw.generate.tops import make_top


__all__ = ["drawn"]


def drawn(seed: int, count: int) -> Iterator[tuple[str, Design]]:
    """Yield ``count`` small designs that can be generated, and print each."""
    random_numbers = random.Random(seed)
    while count:
        name = random_numbers.choice(DESIGNS)
        size = random_numbers.choice([2, 3, 4, 5, 8])
        chosen = {field.name: _value(field, random_numbers) for field in Design.parameters()
                  if name in field.metadata["designs"] and field not in Design.parts()["bus"]
                  and random_numbers.random() < 0.5}
        if name == "accelerator" and random_numbers.random() < 0.3:
            chosen |= _bus(random_numbers)
        if "max_k" in chosen:
            chosen["max_k"] = random_numbers.choice([1, 2, 33, 300])
        chosen["accumulator_width"] = random_numbers.choice([24, 32, 33])
        design = _made(name, Pattern(random_numbers.randint(1, size), size), chosen)
        if design is None:
            continue
        print(f"seed {seed}: {name} {design}")
        count -= 1
        yield name, design


def _made(name, pattern, chosen):
    """The design, or None if it is refused by name; what is made to see that is given up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        try:
            design = Design(pattern, **chosen)
            make_top(name, design)
        except ValueError:
            design = None
        gc.collect()
    return design


def _bus(random_numbers):
    """A bus, which goes with some values of other parameters only."""
    values = {"bus": ["axi4"], "bus_width": [64, 256, 512], "address_width": [32, 33, 64],
              "burst": [1, 2, 256], "outstanding": [1, 3, 64], "decode": [False, True],
              "pad_streams": [False],
              "packets": ["batch"]}
    return {name: random_numbers.choice(choices) for name, choices in values.items()}


def _value(field, random_numbers):
    limits = field.metadata
    if limits["choices"]:
        return random_numbers.choice(limits["choices"])
    if type(field.default) is bool:
        return random_numbers.random() < 0.5
    return random_numbers.choice([limits["low"], min(limits["high"],
                                                     random_numbers.randint(1, 5))])
