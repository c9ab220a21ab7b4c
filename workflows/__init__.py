"""The loop's rules: pure decisions over frozen values. See README.md for the law of the room."""
