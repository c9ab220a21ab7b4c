"""Scores onto an org's records."""
