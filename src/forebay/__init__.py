"""Forebay: one calm place in front of every language model."""

__version__ = "0.1.0"
