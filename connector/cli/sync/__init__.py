"""``ringback sync``: one module per vendor."""
