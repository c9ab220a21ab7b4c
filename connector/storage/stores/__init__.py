"""One table or two each, behind functions."""
