"""One file per group of commands; each opens what it needs and nothing more."""
