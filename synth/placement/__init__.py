"""Where the gates of a design stand, and what its wires load: LEF, placement, wires, buffers."""
