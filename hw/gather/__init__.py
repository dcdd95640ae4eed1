"""The network that brings N of M values to N lanes, and the selects that steer it."""
