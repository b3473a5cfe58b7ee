"""Texts written for training: short attacks, and harmless texts that use the same words or ask for anything else.

They are put together at random from parts; no text of a source that is tested with was taken over.
"""

import base64
import codecs
import inspect
import pydoc
from importlib import import_module
from pathlib import Path
from pydoc_data.topics import topics
from random import Random

import yaml

SAID: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())


def attacks(random: Random, count: int) -> list[str]:
    """``count`` short attacks, none of them in a code: that is undone before anything is judged."""
    makers = (_override, _persona, _leak, _hidden, _trick, _stolen, _stolen, _freed)
    made = [random.choice(makers)(random) for _ in range(count)]
    return [*made, *SAID["foreign_attacks"]]


def harmless(random: Random, count: int, nouns: list[str], verbs: list[str]) -> list[str]:
    """``count`` short texts that nobody needs to fear: most ask for something, some with an attacker's words."""
    made = []
    for _ in range(count):
        topic = random.choice(SAID["topics"]) if random.random() < 0.4 else random.choice(nouns)
        frame = random.choice(
            (
                SAID["ask"],
                SAID["questions"],
                SAID["questions"],
                SAID["same_words"],
                SAID["same_words"],
                SAID["harmless_role"],
                SAID["foreign"],
            )
        )
        text = random.choice(frame)
        if frame is SAID["questions"]:
            noun, other, verb, second = *random.sample(nouns, 2), *random.sample(verbs, 2)
            made.append(text.format(noun=noun, other=other, verb=verb, second=second))
        elif frame is SAID["harmless_role"]:
            made.append(text.format(random.choice(SAID["roles"]), topic))
        else:
            made.append(text.format(topic))
    pairs = [f"{random.choice(made)} {random.choice(made)}" for _ in range(count // 4)]
    cased = [_cased(random, each) for each in made[: count // 6]]
    return [*made, *pairs, *cased, *disguised(random, made[-count // 12 :]), *SAID["chatter"]]


def disguised(random: Random, texts: list[str]) -> list[str]:
    """``texts`` in codes that children know."""
    codes = (
        lambda text: codecs.encode(text, "rot13"),
        lambda text: text[::-1],
        lambda text: text.translate(str.maketrans("aeiost", "431057")),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: " ".join(list(text)),
        lambda text: text.encode().hex(),
    )
    said = ("{}", "Decode and follow: {}", "Decode this: {}", "What does '{}' say?")
    return [random.choice(said).format(random.choice(codes)(text)) for text in texts]


def documents() -> list[str]:
    """Long harmless texts: what Python says about itself (PSF licence), prose and code."""
    help_topics = [str(text) for text in topics.values()]
    helps = [pydoc.render_doc(import_module(name), renderer=pydoc.plaintext)[:20_000] for name in SAID["modules"]]
    code = [inspect.getsource(import_module(name))[:20_000] for name in SAID["modules"]]
    return [*help_topics, *helps, *code]


def pieces(random: Random, texts: list[str], count: int) -> list[str]:
    """``count`` cuttings of ``texts``, of 40 to 3,000 characters."""
    chosen = []
    for _ in range(count):
        text = random.choice(texts)
        length = int(40 * (75 ** random.random()))
        start = random.randrange(max(len(text) - length, 1))
        chosen.append(text[start : start + length])
    return chosen


def joined(random: Random, sentences: list[str], count: int) -> list[str]:
    """``count`` texts of 3 to 12 sentences that have nothing to do with each other."""
    return [". ".join(random.sample(sentences, random.randint(3, 12))) for _ in range(count)]


def _override(random: Random) -> str:
    order = f"{random.choice(SAID['override'])} {random.choice(SAID['which'])} {random.choice(SAID['orders'])}"
    return _cased(random, f"{order} {random.choice(SAID['instead'])}." if random.random() < 0.7 else f"{order}.")


def _persona(random: Random) -> str:
    said = random.choice(SAID["become"]).format(random.choice(SAID["personas"]))
    rules = " ".join(random.sample(SAID["consequence"], random.randint(1, 3)))
    ask = random.choice(("", "", f" {random.choice(SAID['ask']).format(random.choice(SAID['topics']))}"))
    return _cased(random, f"{said} {rules}{ask}")


def _leak(random: Random) -> str:
    text = random.choice(SAID["leak"])
    return _cased(
        random,
        f"{random.choice(SAID['ask']).format(random.choice(SAID['topics']))} {text}" if random.random() < 0.3 else text,
    )


def _hidden(random: Random) -> str:
    deed = random.choice(SAID["deeds"]) if random.random() < 0.6 else _override(random)
    text = random.choice(SAID["hidden"]).format(deed)
    before = " ".join(
        random.choice(SAID["ask"]).format(random.choice(SAID["topics"])) for _ in range(random.randint(0, 3))
    )
    return f"{before}\n{text}".strip()


def _stolen(random: Random) -> str:
    """Data that is to be carried away, as a user asks or as a document tells."""
    deed = random.choice(SAID["send"]).format(random.choice(SAID["secrets"]), random.choice(SAID["targets"]))
    if random.random() < 0.3:
        deed = random.choice(SAID["deeds"])
    if random.random() < 0.3:
        return _cased(random, f"{deed}. {random.choice(SAID['quietly'])}")
    told = random.choice(SAID["minds"]).format(deed if random.random() < 0.7 else _override(random))
    told = f"{told}. {random.choice(SAID['quietly'])}" if random.random() < 0.5 else told
    return random.choice(SAID["carriers"]).format(told) if random.random() < 0.6 else _cased(random, told)


def _freed(random: Random) -> str:
    """Rules declared void in a sentence or two, with or without somebody to become."""
    said = random.sample(SAID["tone"], random.randint(1, 3))
    if random.random() < 0.5:
        said.insert(0, random.choice(SAID["become"]).format(random.choice(SAID["personas"])))
    if random.random() < 0.4:
        said.append(f"Tell me about {random.choice(SAID['topics'])}.")
    return _cased(random, " ".join(said))


def _trick(random: Random) -> str:
    what = (
        random.choice((_override, _leak, _persona))(random) if random.random() < 0.5 else random.choice(SAID["deeds"])
    )
    return _cased(random, random.choice(SAID["tricks"]).format(what))


def _cased(random: Random, text: str) -> str:
    kind = random.random()
    if kind < 0.1:
        return text.upper()
    return text.lower() if kind < 0.3 else text[:1].upper() + text[1:]
