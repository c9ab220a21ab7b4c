"""Looking people up, many at once."""
