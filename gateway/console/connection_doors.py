"""The pages of the connections, in the order in which their addresses are tried."""

from gateway.console import (
    connection_adding,
    connection_drift,
    connection_page,
    connection_settings,
    connection_testing,
    connection_versions,
    connections,
    mapping_change,
    mapping_editor,
)

ROUTERS = (
    connections.router,
    connection_adding.router,
    connection_page.router,
    connection_settings.router,
    connection_testing.router,
    connection_versions.router,
    connection_drift.router,
    mapping_editor.router,
    mapping_change.router,
)
