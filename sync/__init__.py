"""When to ask, how to take in, what to deliver, what to repeat."""
