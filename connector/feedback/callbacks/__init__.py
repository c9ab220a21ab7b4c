"""Callback tickets."""
