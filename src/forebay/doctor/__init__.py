"""Finds what a system with language models owes: debts in its configuration, prices, usage, keys and prompts.

Start reading in `rule`; each module of `rules` holds those about one kind of thing. `docs/doctor.md` names them all.
"""
