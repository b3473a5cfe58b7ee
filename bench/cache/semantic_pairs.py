"""Pairs to train the second check with: wordings of one question, and neighbours that ask for something else.

No rule of the verification tells the neighbours apart, because they differ in small words only; that is what the second
check is for. All templates are Forebay's own.
"""

import random
from itertools import combinations
from typing import Final, NamedTuple

from semantic_edits import Pair, harmless, minimal
from semantic_words import Words


class Example(NamedTuple):
    """A pair, and whether both ask for the same."""

    pair: Pair
    same: bool


# Each family is one question in several wordings.
_FAMILIES: Final = [
    ["How do I {task}?", "How can I {task}?", "How to {task}?", "How does one {task}?", "How can you {task}?",
     "What is the best way to {task}?", "What are some good ways to {task}?", "What are the best ways to {task}?",
     "How should I {task}?", "Is there a way to {task}?", "What is a good way to {task}?", "How would you {task}?",
     "What are some tips to {task}?", "How do you {task}?", "How could I {task}?", "Please tell me how to {task}"],
    ["What is {topic}?", "What exactly is {topic}?", "What actually is {topic}?", "Can you explain {topic}?",
     "What's {topic}?", "What is meant by {topic}?", "What does {topic} mean?", "What is the definition of {topic}?"],
    ["Why is {topic} important?", "Why is {topic} so important?", "Why exactly is {topic} important?"],
    ["What are the best books on {topic}?", "Which are the best books on {topic}?", "What is the best book on {topic}?",
     "What are some good books about {topic}?", "Which is the best book about {topic}?",
     "What are some of the best books about {topic}?", "What are the top books on {topic}?",
     "Can you recommend some good books about {topic}?"],
    ["What are the best places to visit in {place}?", "Which are the best places to visit in {place}?",
     "What are some good places to visit in {place}?", "What are some great places in {place} to visit?",
     "What are the top places to visit in {place}?"],
    ["What is it like to live in {place}?", "How is it to live in {place}?", "What's it like living in {place}?",
     "What is living in {place} like?", "How does it feel to live in {place}?"],
    ["How does {topic} work?", "How exactly does {topic} work?", "How does {topic} actually work?"],
    ["What are some examples of {topic}?", "What are examples of {topic}?", "Can you give some examples of {topic}?"],
    ["What are the benefits of {topic}?", "What are the advantages of {topic}?", "What are some benefits of {topic}?",
     "What is the main benefit of {topic}?"],
    ["How long does it take to {task}?", "How long will it take to {task}?", "How long would it take to {task}?"],
    ["Where can I find information about {topic}?", "Where do I find information on {topic}?",
     "Where can one find information about {topic}?"],
    ["Is {place} safe for tourists?", "Is {place} really safe for tourists?", "Is {place} a safe place for tourists?"],
    ["What do you think about {topic}?", "What is your opinion about {topic}?", "What do you think of {topic}?"],
    ["Who is the best expert on {topic}?", "Who is the greatest expert on {topic}?",
     "Who's the top expert on {topic}?"],
    ["What is the difference between {topic} and {other}?", "What's the difference between {other} and {topic}?",
     "How are {topic} and {other} different?", "What are the differences between {topic} and {other}?",
     "What are the main differences between {topic} and {other}?", "How is {topic} different from {other}?"],
    ["How do I get a job at {firm}?", "How can I get a job at {firm}?", "How can I get a job in {firm}?",
     "What is the best way to get a job at {firm}?"],
    ["What is the population of {place}?", "What is {place}'s population?"],
    ["Does {firm} have an office in {place}?", "Is there an office of {firm} in {place}?"],
    ["How many people live in {place}?", "How many people are living in {place}?"],
    ["Why do people {task}?", "Why do some people {task}?", "Why would people {task}?", "Why would anyone {task}?"],
]  # fmt: skip

# Each row is a question and neighbours of it that ask for something else.
_NEIGHBOURS: Final = [
    ["How do I {task}?", "How do I start to like to {task}?", "Do you know how I found a way to {task}?",
     "How do you know I {task}?", "How do I get you to {task}?", "How do I make people {task}?",
     "How do I tell people to {task}?", "How did people {task}?", "How do I find people who {task}?",
     "How do I find someone to {task} with?", "What do I need to {task}?", "What do I need to know to {task}?",
     "What is needed to {task}?", "What do people get when they {task}?", "What happens if I {task}?",
     "How much do I need to {task}?", "How do I use what I get when I {task}?", "Should I {task}?"],
    ["What is {topic}?", "What is {topic} used for?", "What is {topic} like?", "What does {topic} do?",
     "What can {topic} be used for?", "What do people use {topic} for?", "What is in {topic}?",
     "What is {topic} about?",
     "What is the use of {topic}?", "What is the name for {topic}?", "What makes {topic} what it is?",
     "What is it about {topic} that people like?", "What is different about {topic}?", "What is good about {topic}?",
     "What is the best {topic}?", "What is your favorite thing about {topic}?", "What are the facts about {topic}?"],
    ["Why is {topic} important?", "Why is {topic} so common?", "Why is {topic} so popular?", "Why is {topic} used?",
     "Why does {topic} exist?", "Why do people like {topic}?", "Why is {topic} needed?"],
    ["How does {topic} work?", "How is {topic} used?", "How is {topic} made?", "How did {topic} start?",
     "How is {topic} found?", "How does it feel to have {topic}?", "How popular is {topic}?"],
    ["What are the best books about {place}?", "What are the best books in {place}?",
     "What are the best books from {place}?",
     "What are the best books for {place}?", "What are the most popular books in {place}?"],
    ["What is {person} known for?", "What is known about {person}?", "What is known by {person}?",
     "What was {person} like?", "What did {person} like?", "What do people like about {person}?"],
    ["What do you like about {place}?", "What do people like in {place}?", "What is {place} like?",
     "Which people are like {place}?", "What would you like to do in {place}?"],
    ["How many people use {topic}?", "How many of the people use {topic} for good?",
     "How many people know of {topic}?"],
    ["Is it possible to {task}?", "Is it good to {task}?", "Is it important to {task}?", "Is it common to {task}?"],
    ["Do people in {place} like {topic}?", "Do people like {topic} in {place}?", "Do people need {topic} in {place}?",
     "Do people like {place} for {topic}?"],
    ["What should I do if I {task}?", "What should I do to {task}?", "What should I do when they {task}?",
     "What should I do so that I {task}?"],
    ["What are the benefits of {topic}?", "What are the benefits for {topic}?", "What benefits does {topic} need?"],
    ["Who is the best expert on {topic}?", "Who is a popular expert on {topic}?", "Who needs an expert on {topic}?"],
    ["What makes people {task}?", "What makes people like to {task}?", "What do people make when they {task}?"],
    ["Does {firm} work with {person}?", "Does {firm} work for {person}?", "Does {firm} work like {person}?"],
    ["What do you think about {topic}?", "What do I think about {topic}?", "What do people think about {topic}?"],
    ["How do I find {person}?", "How do I like {person}?", "How do I make {person}?", "How do I get over {person}?"],
    ["What is the answer to {topic}?", "What is the question of {topic}?", "What is the name of {topic}?"],
]  # fmt: skip

_FILLINGS: Final = 12


def examples(words: Words, seed: int, fillings: int = _FILLINGS) -> list[Example]:
    """All that the templates and ``words`` give: wordings, neighbours, minimal and harmless edits."""
    pick = random.Random(seed)
    made = []
    for _ in range(fillings):
        slots = _slots(words, pick)
        for family in _FAMILIES:
            pairs = list(combinations(family, 2))
            made += [Example(_filled(pair, slots), same=True) for pair in pick.sample(pairs, min(len(pairs), 12))]
        for first, *rest in _NEIGHBOURS:
            made += [Example(_filled((first, other), slots), same=False) for other in rest]
            made += [
                Example(_filled(pair, slots), same=False)
                for pair in pick.sample(list(combinations(rest, 2)), min(len(rest) * (len(rest) - 1) // 2, 8))
            ]
    made += [Example(pair, same=False) for pairs in minimal(words, 60, seed).values() for pair in pairs]
    made += [Example(pair, same=True) for pairs in harmless(words, 60, seed).values() for pair in pairs]
    return made


def _filled(pair: tuple[str, str], slots: dict[str, str]) -> Pair:
    return pair[0].format(**slots), pair[1].format(**slots)


def _slots(words: Words, pick: random.Random) -> dict[str, str]:
    topic, other = pick.sample(words.topics, 2)
    return {
        "topic": topic,
        "other": other,
        "task": pick.choice(words.tasks),
        "place": pick.choice(words.places),
        "person": pick.choice(words.people),
        "firm": pick.choice(words.firms),
    }
