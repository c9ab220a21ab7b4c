"""``ringback provision``: one module per vendor."""
