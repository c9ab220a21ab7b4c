"""The world outside: stand-ins for the vendors. See README.md for the law of the room."""
