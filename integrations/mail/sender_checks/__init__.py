"""What receivers ask DNS about who sends mail."""
