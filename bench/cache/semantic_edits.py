"""Pairs that a person tells apart at once and a cosine does not, and pairs that only look different.

Every kind of `minimal` changes one thing that changes the answer; `harmless` changes nothing that does.
"""

import random
from collections.abc import Callable
from typing import Final

from semantic_words import Words

Pair = tuple[str, str]


def minimal(words: Words, count: int, seed: int) -> dict[str, list[Pair]]:
    """``count`` pairs a kind, which ask for different things."""
    pick = random.Random(seed)
    return {kind: [_either(make(words, pick), pick) for _ in range(count)] for kind, make in _MINIMAL.items()}


def harmless(words: Words, count: int, seed: int) -> dict[str, list[Pair]]:
    """``count`` pairs a kind, which ask for the same: a question, and how else it may be written."""
    pick = random.Random(seed)
    return {kind: [_changed(change, words, pick) for _ in range(count)] for kind, change in _HARMLESS.items()}


def questions(words: Words, pick: random.Random) -> str:
    """Any question."""
    return pick.choice(_PLAIN).format(
        topic=pick.choice(words.topics),
        task=pick.choice(words.tasks),
        place=pick.choice(words.places),
        person=pick.choice(words.people),
        firm=pick.choice(words.firms),
    )


_PLAIN: Final = [
    "What is {topic}?",
    "How does {topic} work?",
    "How do I {task}?",
    "What's the best way to {task}?",
    "Why don't people {task} more often?",
    "What are the main ideas behind {topic}?",
    "Where can I {task} in {place}?",
    "Who was {person}?",
    "What is {firm} known for?",
    "Is {place} a good place to {task}?",
    "I'm new here. What should I know about {topic}?",
    "Explain {topic} to a beginner",
    "Isn't it hard to {task}?",
    "What would {person} say about {topic}?",
]


def _either(pair: Pair, pick: random.Random) -> Pair:
    return pair if pick.random() < 1 / 2 else (pair[1], pair[0])


def _two(items: list[str], pick: random.Random) -> tuple[str, str]:
    one, other = pick.sample(items, 2)
    return one, other


def _filled(frame: str, one: str, other: str, **rest: str) -> Pair:
    return frame.format(x=one, **rest), frame.format(x=other, **rest)


def _number(words: Words, pick: random.Random) -> Pair:
    frame = pick.choice(
        [
            "How can I {task} in {x} days?",
            "Give me {x} facts about {topic}",
            "What is {x} percent of 640?",
            "What are the top {x} books about {topic}?",
            "Explain {topic} in {x} sentences",
            "What can I cook for {x} guests in {place}?",
        ]
    )
    return _filled(frame, *pick.choice(words.numbers), **_slots(words, pick))


def _negation(words: Words, pick: random.Random) -> Pair:
    one, other = pick.choice(
        [
            ("Why should I {task}?", "Why should I not {task}?"),
            ("Why do people {task}?", "Why don't people {task}?"),
            ("What are foods that contain {topic}?", "What are foods that do not contain {topic}?"),
            ("Is {place} part of the treaty?", "Isn't {place} part of the treaty?"),
            ("How can I {task} with a teacher?", "How can I {task} without a teacher?"),
            ("When is it a good idea to {task}?", "When is it never a good idea to {task}?"),
            ("Can I {task} at home?", "Can't I {task} at home?"),
            ("Which experts agree about {topic}?", "Which experts do not agree about {topic}?"),
        ]
    )
    slots = _slots(words, pick)
    return one.format(**slots), other.format(**slots)


def _antonym(words: Words, pick: random.Random) -> Pair:
    frame = pick.choice(
        [
            "What is a {x} example of {topic}?",
            "Why is {place} considered {x}?",
            "What does {x} mean in {topic}?",
            "Give me a list of things that are {x} in {place}",
            "How does {topic} relate to {x} things?",
        ]
    )
    return _filled(frame, *pick.choice(words.antonyms), **_slots(words, pick))


def _entity(words: Words, pick: random.Random) -> Pair:
    kind, frame = pick.choice(
        [
            (words.places, "What is the capital gains tax in {x}?"),
            (words.places, "How do I {task} in {x}?"),
            (words.firms, "How can I get a job at {x}?"),
            (words.firms, "What is the revenue of {x}?"),
            (words.topics, "What are the main ideas behind {x}?"),
            (words.topics, "How do I explain {x} to a child?"),
            (words.places, "What is the best hotel in {x} for families?"),
        ]
    )
    return _filled(frame, *_two(kind, pick), **_slots(words, pick))


def _direction(words: Words, pick: random.Random) -> Pair:
    frame, items = pick.choice(
        [
            ("How do I travel from {a} to {b}?", words.places),
            ("Is {a} bigger than {b}?", words.places),
            ("Did {a} {verb} {b}?", words.people),
            ("Why did {a} {verb} {b}?", words.firms),
            ("Does {a} export more to {b}?", words.places),
            ("Can I move my data from {a} into {b}?", words.firms),
            ("What did {a} think of {b}?", words.people),
            ("Should I switch from {a} to {b}?", words.firms),
            ("Was {a} the teacher of {b}?", words.people),
            ("Who came first, {a} before {b}?", words.people),
            ("How does {a} influence {b}?", words.topics),
        ]
    )
    a, b = _two(items, pick)
    verb = pick.choice(words.verbs)
    return frame.format(a=a, b=b, verb=verb), frame.format(a=b, b=a, verb=verb)


def _unit(words: Words, pick: random.Random) -> Pair:
    frame = pick.choice(
        [
            "How much is 12 {x} in the metric system?",
            "How many {x} does it take to {task}?",
            "Is 40 {x} too much for {place}?",
            "Convert 7.5 {x} to the usual unit",
            "Can I {task} in 30 {x}?",
        ]
    )
    return _filled(frame, *pick.choice(words.units), **_slots(words, pick))


def _date(words: Words, pick: random.Random) -> Pair:
    frame = pick.choice(
        [
            "What happened in {place} in {x}?",
            "What are the public holidays in {place} in {x}?",
            "What is {firm} known for since {x}?",
            "Was {topic} taught in schools in {x}?",
            "Is the museum in {place} open on {x}?",
        ]
    )
    return _filled(frame, *pick.choice(words.dates), **_slots(words, pick))


def _name(words: Words, pick: random.Random) -> Pair:
    frame = pick.choice(
        [
            "Where was {x} born?",
            "What did {x} think about {topic}?",
            "Why is {x} famous?",
            "When did {x} visit {place}?",
            "Who influenced {x} the most?",
            "Write a short biography of {x}",
        ]
    )
    return _filled(frame, *_two(words.people, pick), **_slots(words, pick))


def _slots(words: Words, pick: random.Random) -> dict[str, str]:
    return {
        "topic": pick.choice(words.topics),
        "task": pick.choice(words.tasks),
        "place": pick.choice(words.places),
        "firm": pick.choice(words.firms),
    }


_MINIMAL: Final[dict[str, Callable[[Words, random.Random], Pair]]] = {
    "number": _number,
    "negation": _negation,
    "antonym": _antonym,
    "entity": _entity,
    "direction": _direction,
    "unit": _unit,
    "date": _date,
    "name": _name,
}


def _changed(change: Callable[[str, random.Random], str | None], words: Words, pick: random.Random) -> Pair:
    while True:
        question = questions(words, pick)
        changed = change(question, pick)
        if changed not in (None, question):
            return question, str(changed)


def _case(text: str, pick: random.Random) -> str:
    return pick.choice([text.lower(), text.upper(), text.title().replace("'S", "'s").replace("'T", "'t")])


def _spacing(text: str, pick: random.Random) -> str:
    spaced = text.replace(" ", "  ", pick.randint(1, 3))
    return pick.choice([f" {text}", f"{text} \n", spaced, text.replace("?", " ?")])


def _contraction(text: str, _pick: random.Random) -> str | None:
    for short, full in (("What's", "What is"), ("I'm", "I am"), ("don't", "do not"), ("Isn't", "Is not")):
        if short in text:
            return text.replace(short, full)
    return text.replace("What is", "What's") if text.startswith("What is") else None


def _polite(text: str, pick: random.Random) -> str | None:
    question = text[0].lower() + text[1:]
    if question.startswith("explain"):
        return pick.choice([f"Please {question}", f"Could you please {question}?", f"Can you {question}?"])
    if not question.startswith(("what", "how", "why", "where", "who")):
        return None
    return pick.choice(
        [
            f"Hello, {question}",
            f"Can you tell me {question}",
            f"Please tell me {question}",
            f"Could you please tell me {question}",
            f"I would like to know {question}",
            f"{text[:-1]}, please?",
            f"Hi there! {text}",
        ]
    )


def _mark(text: str, _pick: random.Random) -> str | None:
    return text[:-1] if text.endswith("?") else None


_HARMLESS: Final[dict[str, Callable[[str, random.Random], str | None]]] = {
    "case": _case,
    "spacing": _spacing,
    "contraction": _contraction,
    "polite prefix": _polite,
    'trailing "?"': _mark,
}
