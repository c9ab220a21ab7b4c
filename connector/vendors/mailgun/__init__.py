"""How the house sees Mailgun."""
