"""What secret keys hold."""
