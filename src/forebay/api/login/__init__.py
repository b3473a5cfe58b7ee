"""``/auth/*``: how a browser logs in and out, and what its requests have instead of a key."""
