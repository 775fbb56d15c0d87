"""How long the coverage proof and a what-if take over a store of many records."""
