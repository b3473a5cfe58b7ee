"""Prompts as versioned objects: read, chosen, filled in, and put into requests. Start reading in `expand`."""
