"""Limits as the gateway applies them: of whom, how much a request takes, and what is told."""
