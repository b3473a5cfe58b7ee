"""An engine in a process of its own that Forebay starts, watches, starts again and ends.

supervisor.py  the life of an engine; start reading here
process.py     one run of it
guardian.py    what stands between the two processes, so that none outlives the other
output.py      what it prints
restarts.py    when to start it again
"""
