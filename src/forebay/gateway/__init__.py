"""The one pipeline and its stages; start reading in `pipeline`."""
