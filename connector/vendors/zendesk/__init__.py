"""Zendesk, as the house knows it."""
