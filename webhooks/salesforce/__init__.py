"""Salesforce's messages."""
