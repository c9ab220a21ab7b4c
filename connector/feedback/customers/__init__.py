"""One customer across systems."""
