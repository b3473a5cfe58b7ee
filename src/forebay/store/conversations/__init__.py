"""Conversations, responses and feedback in the database.

tables.py     their tables
rows.py       items, conversations and responses as rows and back
tree.py       branches of a conversation's tree, in SQL
table.py      conversations and their items
searching.py  the list of them
answers.py    responses, while they come and afterwards
feedback.py   what people thought of them
"""
