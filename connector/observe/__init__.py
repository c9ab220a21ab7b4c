"""Seeing it run: what is counted, what waits, what is written into the log, and whether all is in order."""
