"""Mail that comes back, read: what it says, of which mail, and what it asks for."""
