"""The rules, one by one, and what holds for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cache.semantic.normalise import normalise
from forebay.cache.semantic.verify import rules
from forebay.cache.semantic.verify.antonyms import opposed
from forebay.cache.semantic.verify.asking import asked_for
from forebay.cache.semantic.verify.reading import read
from forebay.cache.semantic.verify.stem import canonical

VOCABULARY = st.sampled_from(
    [
        "how",
        "do",
        "i",
        "fix",
        "a",
        "red",
        "car",
        "from",
        "paris",
        "to",
        "rome",
        "and",
        "or",
        "not",
        "two",
        "3rd",
        "best",
        "worst",
        "my",
        "your",
        "he",
        "she",
        "is",
        "was",
        "can",
        "should",
        "what",
        "why",
        "of",
        "in",
        "the",
        "cats",
        "dogs",
        "taught",
        "increase",
        "decrease",
        "without",
        "before",
        "5",
        "kg",
        "ii",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(VOCABULARY, max_size=14).map(" ".join))


def broken(one: str, other: str) -> list[str]:
    """The names of all rules that tell the two apart."""
    here, there = read(normalise(one)), read(normalise(other))
    return [rule.__name__ for rule in rules.RULES if rule(here, there)]


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        ("numbers", "Give me 3 facts about tea", "Give me 5 facts about tea"),
        ("numbers", "Give me three facts about tea", "Give me five facts about tea"),
        ("numbers", "Who was the second king of Spain", "Who was the third king of Spain"),
        ("numbers", "the 21st floor", "the 22nd floor"),
        ("numbers", "What is an iPhone 6", "What is an iPhone 7"),
        ("numbers", "Count from 5 to 10", "Count from 10 to 5"),
        ("numbers", "the second world war", "world war"),
        ("numbers", "Part II of the film", "Part III of the film"),
        ("numbers", "What is 1.5 percent", "What is 15 percent"),
        ("negation", "Why do cats purr", "Why don't cats purr"),
        ("negation", "coffee with milk", "coffee without milk"),
        ("negation", "Why should I vote", "Why should I never vote"),
        ("antonyms", "the best film", "the worst film"),
        ("antonyms", "Is it legal to fish here", "Is it illegal to fish here"),
        ("antonyms", "useful bacteria", "useless bacteria"),
        ("antonyms", "a flight from Rome", "a flight to Rome"),
        ("question", "Where was he born", "When was he born"),
        ("question", "How much is a car", "How long is a car"),
        ("question", "Is tea healthy", "Why is tea healthy"),
        ("exact_words", "rain in May", "rain in June"),
        ("exact_words", "open on Monday", "open on Tuesday"),
        ("exact_words", "sleep before lunch", "sleep after lunch"),
        ("exact_words", "all cats", "cats"),
        ("exact_words", "5 % of it", "$ 5 of it"),
        ("exact_words", "What is 5!", "What is 5?"),
        ("exact_words", "What is 5-3?", "What is 5/3?"),
        ("exact_words", "What is x-1?", "What is x/1?"),
        ("exact_words", "What is (2+3)*4?", "What is 2+3*4?"),
        ("exact_words", "What is 2+3*4?", "What is 2*3+4?"),
        ("tense", "Who is president", "Who was president"),
        ("tense", "Will it work", "Does it work"),
        ("modality", "Can men wear kilts", "Should men wear kilts"),
        ("persons", "What did he say", "What did she say"),
        ("persons", "What do you think of me", "What do I think of you"),
        ("persons", "What is my name", "What is your name"),
        ("wording", "the capital of Peru", "the capital of Chile"),
        ("wording", "12 kilograms of rice", "12 pounds of rice"),
        ("wording", "democracy in the USA", "democracy"),
        ("wording", "wer ist das", "wer war das"),
        ("wording", "什么是猫", "什么是狗"),
        ("order", "Translate English to French", "Translate French to English"),
        ("order", "Does Google own YouTube", "Does YouTube own Google"),
        ("order", "What do Croats think of Turks", "What do Turks think of Croats"),
        ("order", "Is Paris bigger than Rome", "Is Rome bigger than Paris"),
        ("order", "the impact of heat on ice", "the impact of ice on heat"),
        ("order", "the best height for a player in career mode", "the best height for a career in player mode"),
        ("order", "the fall of Lehman Brothers", "the fall of Brothers Lehman"),
        ("order", "a Bachelor of Engineering and a Bachelor of Law", "a Bachelor of Engineering and a Law of Bachelor"),
    ],
)
def test_a_rule_tells_apart_what_it_is_for(rule: str, one: str, other: str) -> None:
    assert rule in broken(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I lose weight?", "What is the best way to lose weight?"),
        ("What are the best books on chess?", "Which are the best books about chess?"),
        ("Who is the teacher of Plato?", "Who's Plato's teacher?"),
        ("What is the best broker for binary options?", "What is the best binary options broker?"),
        ("the difference between cats and dogs", "the difference between dogs and cats"),
        ("similarities of an open market and a mixed economy", "similarities of a mixed economy and an open market"),
        ("As a foreign student, how do I find work?", "How do I find work as a foreign student?"),
        ("differences between north Indian weddings and south Indian weddings",
         "difference between north Indian weddings and south Indian weddings"),
        ("Why do people go to the theatre?", "Why do people go to the theater?"),
        ("How do I visualise a graph?", "How can I visualize graphs?"),
        ("Give me 3 reasons", "Give me three reasons"),
        ("10,000 steps", "10000 steps"),
        ("How can I be happy", "How can one be happy"),
        ("What is the hardest part of chess?", "What is the hardest part of chess and why?"),
    ],
)  # fmt: skip
def test_no_rule_tells_apart_what_is_the_same(one: str, other: str) -> None:
    assert broken(one, other) == []


@given(TEXTS)
def test_a_text_is_the_same_as_itself(text: str) -> None:
    assert broken(text, text) == []


@given(TEXTS, TEXTS)
def test_which_was_asked_makes_no_difference(one: str, other: str) -> None:
    assert broken(one, other) == broken(other, one)


@given(st.permutations(["paris", "rome", "oslo"]), st.sampled_from(["beats", "visits", "loves"]))
def test_no_permutation_of_names_around_a_verb_passes(names: list[str], verb: str) -> None:
    first, second, third = names
    text = f"did {first} {verb} {second} near {third}"
    assert (broken(text, f"did paris {verb} rome near oslo") == []) == (names == ["paris", "rome", "oslo"])


def test_opposites() -> None:
    assert opposed("buy", "sell")
    assert opposed("sell", "buy")
    assert opposed("stable", "unstable")
    assert opposed("harmful", "harmless")
    assert not opposed("buy", "purchase")
    assert not opposed("it", "unit")


@pytest.mark.parametrize(
    ("one", "other"),
    [("making", "make"), ("stopped", "stop"), ("cities", "city"), ("boxes", "box"), ("women", "woman"),
     ("colour", "color"), ("organisation", "organization"), ("purchase", "buy"), ("films", "movie")],
)  # fmt: skip
def test_forms_of_a_word_are_one(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"), [("gas", "ga"), ("fall", "fa"), ("king", "k"), ("news", "new"), ("bus", "bu")]
)
def test_what_only_looks_like_an_ending_stays(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("how long is it", "amount long"),
        ("what is the best way to do it", "how"),
        ("what is the reason for it", "why"),
        ("is there a way to do it", "how"),
        ("is it so", "yes"),
        ("where is it", "where"),
        ("explain it", "tell"),
        ("", "tell"),
    ],
)
def test_kinds_of_questions(text: str, kind: str) -> None:
    assert asked_for(text.split()) == kind
