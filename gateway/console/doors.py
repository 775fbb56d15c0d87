"""Every page of the console, for the application."""

from gateway.console import (
    catalogues,
    connection_doors,
    deliveries,
    disclosing,
    dossiers,
    filings,
    members,
    nowhere,
    overview,
    quarantine,
    receipts,
    reconciling,
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
    dossiers.router,
    receipts.router,
    quarantine.router,
    deliveries.router,
    reconciling.router,
    catalogues.router,
    members.router,
    disclosing.router,
    *connection_doors.ROUTERS,
    # After all others: what is no page.
    nowhere.router,
)
