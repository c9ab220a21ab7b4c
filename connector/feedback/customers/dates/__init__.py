"""Dates of customers that come round."""
