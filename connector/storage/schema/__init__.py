"""The tables, and bringing a database to their shape."""
