"""What follows from mail that comes back."""
