"""The array of PEs: multipliers, adders and the rows that feed them."""
