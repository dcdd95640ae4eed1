"""Tests of proofs, mutants and random inputs."""
