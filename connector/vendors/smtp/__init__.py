"""How the house sees smtp."""
