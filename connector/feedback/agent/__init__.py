"""For support agents."""
