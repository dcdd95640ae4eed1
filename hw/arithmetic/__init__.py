"""Adders that designs are made of: carry-propagate and carry-save."""
