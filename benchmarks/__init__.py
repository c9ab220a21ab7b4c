"""How fast the loop closes: measured from outside, with the product's own processes."""
