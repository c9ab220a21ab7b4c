"""``ringback responses …``."""
