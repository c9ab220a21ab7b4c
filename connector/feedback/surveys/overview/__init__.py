"""Who is asked and who is not, to be looked at."""
