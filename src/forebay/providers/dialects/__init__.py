"""Vendors that do not speak OpenAI's API: callers do all the same, and each is asked in its own words.

    dialect.py       what a dialect is; start reading here
    provider.py      the provider around one: the exchange over HTTP, credentials, refusals
    translation.py   a stream on its way through one
    framing.py       where an event of a stream ends
    chat.py          OpenAI's request, typed
    parameters.py    what becomes of a parameter without a counterpart
    media.py         images and documents in a request
    completion.py    OpenAI's reply, typed
    answer.py        what a dialect tells of a vendor's reply; chunks.py and whole.py write it down
    settings.py      the keys that all of these kinds have

One package (or module) for each dialect holds the rest. docs/adr/0011 says how to add one.
"""
