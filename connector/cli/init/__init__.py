"""``ringback init``: a whole installation from a few answers."""
