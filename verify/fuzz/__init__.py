"""Random inputs for everything that reads something, by Hypothesis."""
