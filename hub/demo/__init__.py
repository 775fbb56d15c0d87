"""`hub demo`: six simulated departments on real sockets, and the founding interview's figures."""
