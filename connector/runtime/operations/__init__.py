"""What people do to runs and connections by hand."""
