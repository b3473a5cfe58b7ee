"""Conversations: responses that are kept, OpenAI's Conversations API, and what a chat application needs besides.

respond.py     ``POST /v1/responses`` where there is a store
session.py     one response while it is generated
keeper.py      all of them, written down as they come
history.py     items as they are sent, kept, shown and asked again
titles.py      titles, by the first words or by a model
responses.py   responses that are kept
endpoints.py   conversations
items.py       their items
query.py       the parameters of lists
exchange.py    a request's head and an answer, for all of these
export.py      files to take away, and back
markdown.py    such a file as people read it
feedback.py    what people thought of answers
"""
