"""Workflows and surveys by program."""
