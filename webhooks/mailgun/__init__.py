"""Mailgun, which tells of returned mail."""
