"""A mailbox of ours, as a sender."""
