"""The way in: verify, keep, translate. See README.md for the law of the room."""
