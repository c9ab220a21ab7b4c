"""Transactions and statements."""
