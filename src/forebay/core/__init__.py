"""The nouns and verbs that every other layer shares; it imports nothing of Forebay."""
