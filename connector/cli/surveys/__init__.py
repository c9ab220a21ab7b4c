"""``ringback survey``: check, show, copy and translate surveys."""
