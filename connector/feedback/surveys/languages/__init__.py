"""A survey in several languages and tones: whole in each, and the same survey in all."""
