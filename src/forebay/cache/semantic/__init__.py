"""The semantic tier: finds a stored question that asks for the same in other words, and refuses when in doubt."""
