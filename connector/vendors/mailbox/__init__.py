"""How the house sees a mailbox."""
