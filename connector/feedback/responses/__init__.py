"""Every answer, in one table."""
