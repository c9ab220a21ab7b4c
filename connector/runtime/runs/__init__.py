"""Advancing runs."""
