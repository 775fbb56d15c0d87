"""The HTTP door: api/ (REST), soap/ (SOAP), lookup/ (citizens)."""
