"""The hardware in software, bit for bit. A file has the name of the hardware whose twin it is."""
