"""The way of a score onto a customer's record."""
