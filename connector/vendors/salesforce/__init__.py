"""Salesforce, as the house knows it."""
