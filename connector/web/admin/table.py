"""All pages, in the order of the navigation. Each module of pages ends with its rows, as ``PAGES``."""

from __future__ import annotations

from connector.web.admin.customers import acting, callbacks, customer, finding, reviews
from connector.web.admin.house import connections, design, system
from connector.web.admin.making import deciding, editing, overview, survey_preview, versions
from connector.web.admin.page import Page
from connector.web.admin.people import account, audit, tokens, users
from connector.web.admin.running import deliveries, events, home, run, runs, stopped, why

PAGES: tuple[Page, ...] = (
    *home.PAGES, *stopped.PAGES, *runs.PAGES, *run.PAGES, *why.PAGES, *events.PAGES, *deliveries.PAGES,
    *callbacks.PAGES, *finding.PAGES, *customer.PAGES, *acting.PAGES, *reviews.PAGES,
    *overview.PAGES, *versions.PAGES, *editing.PAGES, *deciding.PAGES, *survey_preview.PAGES,
    *connections.PAGES, *users.PAGES, *tokens.PAGES, *audit.PAGES, *system.PAGES, *design.PAGES, *account.PAGES,
)  # fmt: skip
