"""The steps. A released one is never changed: the next change is a new step."""
