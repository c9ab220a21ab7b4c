"""The sidebar app, packed."""
