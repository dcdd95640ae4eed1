"""Stimuli and the results that the reference expects of them."""
