"""The way out: vendors' accounts behind protocols. See README.md for the law of the room."""
