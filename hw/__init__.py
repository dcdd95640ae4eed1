"""Hardware generator. Kept empty, so that `hw.config` can be imported without Amaranth."""
