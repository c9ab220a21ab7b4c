"""What people allow."""
