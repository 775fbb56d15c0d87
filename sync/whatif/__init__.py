"""What a candidate mapping would make of everything that is stored, without touching it."""
