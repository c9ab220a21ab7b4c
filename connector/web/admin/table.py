"""All pages, in the order of the navigation. Each group of pages ends with its rows, as ``PAGES``."""

from __future__ import annotations

from connector.web.admin.house import design
from connector.web.admin.page import Page
from connector.web.admin.running import home

PAGES: tuple[Page, ...] = (
    *home.PAGES, *design.PAGES,
)  # fmt: skip
