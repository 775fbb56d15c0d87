"""Every page of the console, for the application."""

from gateway.console import (
    connection_doors,
    disclosing,
    filings,
    nowhere,
    overview,
    signing_in,
    static_files,
    tasks,
)

ROUTERS = (
    static_files.router,
    signing_in.before,
    signing_in.router,
    overview.router,
    tasks.router,
    filings.router,
    disclosing.router,
    *connection_doors.ROUTERS,
    # After all others: what is no page.
    nowhere.router,
)
