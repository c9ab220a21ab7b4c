"""Asking, and what was answered."""
