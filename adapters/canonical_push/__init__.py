"""A department that speaks the canonical record itself and pushes it."""
