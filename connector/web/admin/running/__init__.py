"""Pages about what runs."""
