"""Zendesk's webhooks."""
