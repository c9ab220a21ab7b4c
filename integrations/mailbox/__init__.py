"""A mailbox that we read, by IMAP."""
