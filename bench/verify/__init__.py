"""How long `hub verify` takes, and how much memory, over a store of many records."""
