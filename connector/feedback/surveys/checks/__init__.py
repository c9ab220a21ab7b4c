"""What is looked at before a survey may be sent, beyond its file."""
