"""What every way of carrying mail has in common, whoever carries it."""
