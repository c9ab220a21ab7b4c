"""Other systems' events, and our own."""
