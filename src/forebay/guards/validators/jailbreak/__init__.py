"""Attempts to talk a model out of its instructions: jailbreaks, prompt injections, questions for the system prompt."""
