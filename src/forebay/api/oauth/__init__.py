"""``/oauth/*``: the authorization server, as OAuth's clients see it."""
