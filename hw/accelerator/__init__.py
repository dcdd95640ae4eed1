"""Compressor, buffers, array and epilogue behind registers."""
