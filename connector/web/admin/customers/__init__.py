"""Pages about customers: who they are, what happened to them, whom to call."""
