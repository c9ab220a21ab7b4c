"""How fast, how many, and whose turn."""
