"""``ringback serve`` and its processes."""
