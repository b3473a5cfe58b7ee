"""Lists the pairs of letters that hardly any word has, for `forebay.guards.validators.gibberish`.

    python training/gibberish/train.py FOLDER

FOLDER is that of ``training/jailbreak``: WordNet's prose and talk in several languages are counted.
"""

import re
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from string import ascii_lowercase

sys.path.insert(0, str(Path(__file__).parents[1] / "jailbreak"))

import sources  # beside

from forebay.guards.validators import gibberish
from forebay.guards.validators.words.folding import Folding

RARE = 1 / 2500
FILE = Path(gibberish.__file__).with_name(gibberish.FILE)


def main() -> None:
    """Count, and write those that are rarer than `RARE` of all that begin with the same letter, or of all pairs."""
    root = sources.fetched(Path(sys.argv[1]))
    folding = Folding()
    pairs: Counter[str] = Counter()
    for text in [*sources.WordNet(root).prose(), *sources.talk(root) * 5]:
        for word in re.findall("[a-z]{2,}", folding.word(text)):
            pairs.update(word[place : place + 2] for place in range(len(word) - 1))
    every = pairs.total()
    rare = [a + b for a, b in product(ascii_lowercase, repeat=2) if pairs[a + b] < RARE * every / 26]
    FILE.write_text("\n".join(" ".join(rare[place : place + 30]) for place in range(0, len(rare), 30)) + "\n")
    print(f"{len(rare)} of 676 pairs")


if __name__ == "__main__":
    main()
