"""From what a person gives on the page to an answer that counts."""
