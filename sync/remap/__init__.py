"""Applied records told anew by the mapping in force (decision 0014)."""
