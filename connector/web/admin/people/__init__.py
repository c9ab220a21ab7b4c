"""Pages about the people of the house."""
