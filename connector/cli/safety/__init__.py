"""Keeping what there is."""
