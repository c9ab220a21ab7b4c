"""What becomes of invitations by the clock."""
