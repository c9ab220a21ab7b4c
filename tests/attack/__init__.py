"""Attacks, each as it was done: see README.md."""
