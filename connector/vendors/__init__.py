"""All that the house knows of vendors."""
