"""How bytes leave the house."""
