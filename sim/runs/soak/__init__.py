"""Long random runs of whole designs: what ``python -m sim.soak`` does."""
