"""Words to customers and teams."""
