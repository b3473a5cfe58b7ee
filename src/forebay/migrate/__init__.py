"""Other systems' configurations as Forebay's: what can be carried over, and by name whatever cannot.

`litellm` is the place to start reading. No secret of a foreign file is copied, and nothing in it is passed over in
silence.
"""
