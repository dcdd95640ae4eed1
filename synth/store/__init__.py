"""What was generated, mapped and measured before, each under the digest of what it depends on."""

from synth.store.address import digest, sources, versions
from synth.store.store import Store


__all__ = ["Store", "digest", "sources", "versions"]
