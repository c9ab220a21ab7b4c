"""Setting up a Zendesk account."""
