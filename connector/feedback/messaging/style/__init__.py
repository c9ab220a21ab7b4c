"""What a house style may be, and whether people can read it."""
