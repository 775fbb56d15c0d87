"""The SOAP door: canonical, and each department in its own contract."""
