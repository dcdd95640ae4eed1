"""Tests of proofs: that they hold, and that they fail when the design does."""
