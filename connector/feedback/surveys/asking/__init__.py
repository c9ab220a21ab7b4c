"""Whether to ask, whom, and asking."""
