"""Measurements that are repeated; what they are held against stands in docs/decisions/."""
