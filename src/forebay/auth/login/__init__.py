"""People who log in with a browser: by a provider or a password to a session, and by its cookie to a principal."""
