"""Where usage, keys and the audit log are kept: SQLite, or PostgreSQL. Needs ``forebay[store]``."""
