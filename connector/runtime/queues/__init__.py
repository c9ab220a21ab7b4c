"""From a ring to the work."""
