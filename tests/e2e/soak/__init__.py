"""The soak: five departments, two receivers, faults all the while; the ledger must be even."""
