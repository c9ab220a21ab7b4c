"""Who pressed it: a person, a machine, or somebody who has to be asked."""
