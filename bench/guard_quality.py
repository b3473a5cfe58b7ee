"""How much the built-in guards find, how often they are wrong, and what they cost.

    python bench/guard_quality.py FOLDER [pii] [secrets] [cost]

FOLDER takes what is downloaded: the templates of presidio-evaluator 0.3.2 (MIT). Needs Faker (MIT). The seed was used
for nothing else. The classifier of jailbreaks is measured by ``training/jailbreak/train.py``, which has its data.
"""

import re
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from faker import Faker

from forebay.core.verdicts import Context, Side, Span
from forebay.guards.validators.jailbreak.model import shipped
from forebay.guards.validators.patterns import Patterns
from forebay.guards.validators.pii.guard import DEFAULT
from forebay.guards.validators.pii.guard import Finder as Pii
from forebay.guards.validators.secret_tokens.guard import Finder as Secrets
from forebay.guards.validators.secret_tokens.rules import ASSIGNED, RULES
from forebay.guards.validators.words.finder import WordFinder

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.secret_samples import secrets

SEED = 77_310
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL")
EACH = 1_000
SLOTS = {
    "email": "email", "card": "credit_card_number", "iban": "iban", "ssn": "ssn", "ip": "ip_address",
    "phone": "phone_number",
}  # fmt: skip
SLOT = re.compile(r"\{\{(\w+)\}\}")
CONTEXT = Context(Side.INPUT)


def templates(folder: Path) -> list[str]:
    """The sentences of presidio-evaluator, with names of what belongs into their gaps."""
    wheels = folder / "wheels"
    if not list(wheels.glob("presidio_evaluator*")):
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels)]
        subprocess.run([*download, "presidio-evaluator==0.3.2"], check=True)
    wheel = zipfile.ZipFile(next(wheels.glob("presidio_evaluator*.whl")))
    text = wheel.read("presidio_evaluator/data_generator/raw_data/templates.txt").decode()
    return [line.replace("\\n", "\n") for line in text.splitlines()]


def drawn(kind: str, fakers: Sequence[Faker], random: Random) -> str:
    """One of ``kind``: people of seven countries, but social security numbers, which only the USA have."""
    fake = random.choice(fakers)
    if kind == "email":
        return str(fake.email())
    if kind == "card":
        number = str(fakers[0].credit_card_number())
        return " ".join(re.findall(".{1,4}", number)) if random.random() < 0.3 else number
    if kind == "iban":
        number = str(fake.iban()) if fake is not fakers[0] else str(fakers[1].iban())
        return " ".join(re.findall(".{1,4}", number)) if random.random() < 0.3 else number
    if kind == "ip":
        return str(fake.ipv6()) if random.random() < 0.3 else str(fake.ipv4_public())
    return str(fakers[0].ssn()) if kind == "ssn" else str(fake.phone_number())


def pii(folder: Path) -> None:
    """Recall and precision of each kind, in sentences of presidio-evaluator filled by Faker."""
    random = Random(SEED)
    fakers = [Faker(locale) for locale in LOCALES]
    Faker.seed(SEED)
    sentences = templates(folder)
    find = Pii(DEFAULT)
    said, found = Counter[str](), Counter[str]()
    for kind, slot in SLOTS.items():
        fitting = [each for each in sentences if f"{{{{{slot}}}}}" in each]
        for _ in range(EACH):
            value = drawn(kind, fakers, random)
            before, _, after = random.choice(fitting).partition(f"{{{{{slot}}}}}")
            text = f"{SLOT.sub('Alex', before)}{value}{SLOT.sub('Alex', after)}"
            start = len(SLOT.sub("Alex", before))
            said[kind] += 1
            found[kind] += _covered(find(text), start, start + len(value))
    plain = [SLOT.sub(lambda match: _harmless(match[1], fakers[0]), each) for each in sentences * 5]
    wrong = [each for each in plain if find(each)]
    print("\n| kind | recall |\n|---|---|")
    for kind in SLOTS:
        print(f"| {kind} | {found[kind] / said[kind]:.3f} |")
    print(f"\nfalse alarms: {len(wrong)} of {len(plain)} sentences without any of them")


def _harmless(slot: str, fake: Faker) -> str:
    if slot in SLOTS.values() or slot in {"url", "us_driver_license"}:
        return "it"
    made = {
        "age": "42",
        "year": "1987",
        "postcode": fake.postcode(),
        "zipcode": fake.zipcode(),
        "date_time": fake.iso8601(),
    }
    made |= {"date_of_birth": fake.date(), "building_number": fake.building_number(), "organization": fake.company()}
    return str(made.get(slot, fake.address() if slot == "address" else fake.last_name()))


def _covered(spans: Sequence[Span], start: int, end: int) -> bool:
    places = {place for span in spans for place in range(span.start, span.end)}
    return set(range(start, end)) <= places


def finder() -> Secrets:
    """All rules."""
    return Secrets((*RULES, *ASSIGNED))


def all_secrets() -> None:
    """Recall over drawn tokens, ours and of detect-secrets; false alarms over lines of ordinary code."""
    find = finder()
    ours, total = Counter[str](), 0
    for seed in range(20):
        total += 1
        for name, (holder, secret) in secrets(Random(SEED + seed)).items():
            text = f"here it is: {holder} thanks" if "\n" not in holder else holder
            start = text.index(secret)
            ours[name] += _covered(find(text), start, start + len(secret))
    kinds = len(ours)
    print(f"\n{kinds} forms, {total} of each: recall {ours.total() / kinds / total:.3f}")
    print("missed:", {name: total - ours[name] for name in ours if ours[name] < total} or "nothing")
    folder = Path(sysconfig.get_paths()["stdlib"])
    site = Path(sysconfig.get_paths()["purelib"])
    for what, paths in (
        ("Python's standard library", [each for each in folder.rglob("*.py") if "site-packages" not in each.parts]),
        ("installed packages", list(site.rglob("*.py"))[:3000]),
    ):
        lines = [line for path in paths for line in path.read_text(errors="replace").splitlines()]
        alarms = sum(bool(find(line)) for line in lines)
        print(f"{what}: {alarms} alarms in {len(lines)} lines, {alarms / len(lines):.4%}")


def cost() -> None:
    """Milliseconds for a kilobyte of prose, guard by guard and together."""
    prose = (
        "The committee met on Tuesday, and nobody asked why the lamp in the hall of house 12 was still broken. " * 10
    )
    patterns = Patterns([rf"\b(?:code|ticket)-{number}[0-9]{{4,8}}\b" for number in range(64)])
    words = WordFinder([f"word{number}" for number in range(1_000)], "banned")
    model = shipped()
    parts: dict[str, Callable[[str], object]] = {
        "pii": Pii(DEFAULT),
        "secrets": finder(),
        "64 patterns": patterns.present,
        "ban list of 1,000 words": words,
        "jailbreak": model.score,
    }
    print("\n| guard | ms/kB at 1 kB | at 100 kB |\n|---|---|---|")
    sums = [0.0, 0.0]
    for name, part in parts.items():
        taken = [_milliseconds(part, (prose * (size + 1))[: size * 1000]) / size for size in (1, 100)]
        sums = [total + each for total, each in zip(sums, taken, strict=True)]
        print(f"| {name} | {taken[0]:.3f} | {taken[1]:.3f} |")
    print(f"| together | {sums[0]:.3f} | {sums[1]:.3f} |")


def _milliseconds(part: Callable[[str], object], text: str) -> float:
    part(text)
    best = float("inf")
    for _ in range(30):
        begun = time.perf_counter()
        part(text)
        best = min(best, time.perf_counter() - begun)
    return best * 1000


if __name__ == "__main__":
    wanted = sys.argv[2:] or ["pii", "secrets", "cost"]
    if "pii" in wanted:
        pii(Path(sys.argv[1]))
    if "secrets" in wanted:
        all_secrets()
    if "cost" in wanted:
        cost()
