"""Scores onto customer records."""
