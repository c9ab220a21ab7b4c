"""The features of the loop: customers, surveys, callbacks, write-backs, and the actions that use them."""
