"""A folder to copy: one department over REST, minimal and working."""
