"""What Zendesk did and never told us."""
