"""A survey's mail on the point of leaving."""
