"""How the house sees inbound."""
