"""From stored deliveries to events."""
