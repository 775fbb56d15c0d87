"""Traffic police, vehicle plates: a daily file drop from an isolated network (our own design)."""
