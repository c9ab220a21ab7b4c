"""What an organisation decides, and what the environment says."""
