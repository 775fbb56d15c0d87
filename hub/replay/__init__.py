"""A real intake log replayed through the gateway, and what the hub says held against the log."""
