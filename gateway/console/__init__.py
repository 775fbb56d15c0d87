"""Web pages for the people who run the hub: rendered here, no script, nothing from elsewhere."""
