"""``/admin/``: what people of the house see and do in a browser. ``README.md`` says how a page is added."""
