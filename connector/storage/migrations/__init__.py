"""How a database comes to its present shape, one numbered step after the other."""
