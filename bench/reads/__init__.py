"""The portal's reads over HTTP on a large store, against the plain way and against depth 0."""
