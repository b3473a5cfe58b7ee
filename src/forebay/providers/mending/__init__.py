"""Replies that are OpenAI-shaped, but not OpenAI's in every detail, made so."""
