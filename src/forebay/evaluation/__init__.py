"""Runs datasets against a server, checks the answers, and tells what changed since the last time.

`cases` are read, `asking` asks, `checks` judge, `results` sums up, `comparing` is the gate.
"""
