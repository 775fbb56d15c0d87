"""The REST door (CONTRACT.md, HTTP)."""
