"""What is measured of every call, and where it goes: metrics and the request log."""
