"""One folder per system that the hub talks with; wire/ alone touches httpx and zeep."""
