"""The accelerator behind one AXI4 master: it fetches what a job needs, and writes its results."""
