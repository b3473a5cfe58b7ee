"""Word lists of the semantic bench, in two halves that share no word: one to train with, one to measure with."""

from typing import Final, NamedTuple


class Words(NamedTuple):
    """The lists of one half; pairs are of words that must not be taken for each other."""

    topics: list[str]
    tasks: list[str]
    places: list[str]
    people: list[str]
    firms: list[str]
    numbers: list[tuple[str, str]]
    units: list[tuple[str, str]]
    dates: list[tuple[str, str]]
    antonyms: list[tuple[str, str]]
    verbs: list[str]


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [pair.split("/") for pair in _list(text)]
    return [(one, other) for one, other in parts]


TRAINING: Final = Words(
    topics=_list(
        "photosynthesis, inflation, machine learning, black holes, compound interest, gravity, the water cycle, "
        "jazz, plate tectonics, object oriented programming, the stock market, quantum computing, vaccines, a "
        "mortgage, the French revolution, blockchain, a healthy diet, chess openings, renewable energy, cloud "
        "storage, sleep apnea, public speaking, intermittent fasting, a credit score, regular expressions, the "
        "immune system, green tea"
    ),
    tasks=_list(
        "lose weight, learn guitar, bake bread, fix a leaking tap, write a resume, train a puppy, remove a coffee "
        "stain, grow tomatoes, save money, sort a list in python, reset a router, improve my memory, speak German "
        "fluently, clean a cast iron pan, sell a used car, renew a passport, paint a bedroom, back up a hard "
        "drive, start a podcast, find a mentor, quit smoking, cook rice, change a bicycle tyre, apply for a "
        "scholarship, merge two spreadsheets"
    ),
    places=_list(
        "Paris, Berlin, Toronto, Madrid, Brazil, Japan, Kenya, Norway, Texas, Mumbai, Vienna, Lisbon, Egypt, "
        "Peru, Seoul, Boston, Prague, Chile, Poland, Sydney"
    ),
    people=_list(
        "Marie Curie, Nelson Mandela, Leonardo da Vinci, Ada Lovelace, Mozart, Shakespeare, Einstein, Cleopatra, "
        "Gandhi, Charles Darwin, Alan Turing, Frida Kahlo, Napoleon, Galileo, Jane Austen"
    ),
    firms=_list(
        "Google, Toyota, Netflix, Adobe, Samsung, Ikea, Nike, Oracle, Spotify, Siemens, Boeing, Pepsi, Sony, Dell"
    ),
    numbers=_pairs("3/5, 10/12, 100/1000, 2/4, 15/50, two/three, seven/nine, 1.5/2.5, 40/45, 250/350, 6/16, five/six"),
    units=_pairs(
        "kilometers/miles, kg/pounds, minutes/hours, celsius/fahrenheit, liters/gallons, days/weeks, inches/cm"
    ),
    dates=_pairs("March/April, Monday/Thursday, 1999/2001, 2012/2016, July/August, Friday/Sunday, the 1960s/the 1970s"),
    antonyms=_pairs(
        "best/worst, increase/decrease, cheap/expensive, hot/cold, advantages/disadvantages, largest/smallest, "
        "buy/sell, before/after, indoor/outdoor, safe/unsafe, short/tall, legal/illegal, strong/weak, wet/dry"
    ),
    verbs=_list("help, hire, teach, defeat, visit, sue, trust, replace, praise, follow"),
)

MEASURED: Final = Words(
    topics=_list(
        "osmosis, deflation, neural networks, neutron stars, dividend yield, magnetism, soil erosion, baroque "
        "music, glaciers, functional programming, the bond market, cryptography, antibiotics, a pension, the "
        "Ottoman empire, the nitrogen cycle, a vegan diet, poker strategy, geothermal power, version control, "
        "migraine, creative writing, meditation, a tax return, linear algebra, the nervous system, sourdough, "
        "dark matter, typography, beekeeping"
    ),
    tasks=_list(
        "gain muscle, learn the violin, make yogurt, unclog a drain, write a cover letter, teach a parrot to "
        "talk, polish silver shoes, prune roses, pay off a student loan, reverse a string in java, update a "
        "graphics driver, overcome shyness, read Arabic script, sharpen a kitchen knife, rent out a spare room, "
        "cancel a subscription, wallpaper a hallway, encrypt a usb stick, publish a novel, negotiate a salary, "
        "tie a bow tie, brew kombucha, waterproof a tent, file a patent, compress a video"
    ),
    places=_list(
        "Rome, Munich, Montreal, Barcelona, Argentina, Vietnam, Ghana, Sweden, Florida, Chennai, Zurich, Porto, "
        "Morocco, Bolivia, Osaka, Denver, Budapest, Ecuador, Hungary, Melbourne, Nepal, Dublin, Jordan, Malta"
    ),
    people=_list(
        "Isaac Newton, Martin Luther King, Michelangelo, Grace Hopper, Beethoven, Tolstoy, Niels Bohr, Julius "
        "Caesar, Abraham Lincoln, Louis Pasteur, Nikola Tesla, Claude Monet, Bismarck, Copernicus, Virginia "
        "Woolf, Rosa Parks"
    ),
    firms=_list(
        "Apple, Honda, Disney, Figma, Nokia, Costco, Adidas, SAP, Deezer, Bosch, Airbus, Nestle, Canon, Lenovo"
    ),
    numbers=_pairs(
        "8/9, 20/25, 300/3000, 11/14, 17/70, four/eight, twelve/fifteen, 0.5/0.8, 60/65, 120/150, 7/27, 1200/2100"
    ),
    units=_pairs(
        "meters/feet, grams/ounces, seconds/minutes, kelvin/celsius, cups/tablespoons, weeks/months, mph/kmh, "
        "dollars/euros"
    ),
    dates=_pairs(
        "May/June, Tuesday/Saturday, 1985/1987, 2008/2018, October/November, Wednesday/Friday, the 1880s/the 1920s"
    ),
    antonyms=_pairs(
        "ancient/modern, ascending/descending, fertile/barren, humid/arid, generous/stingy, transparent/opaque, "
        "rural/urban, bitter/sweet, temporary/permanent, victory/defeat, reversible/irreversible, "
        "stable/unstable, painful/painless, conductor/insulator, predator/prey, nocturnal/diurnal, "
        "evergreen/deciduous, flexible/rigid"
    ),
    verbs=_list("rescue, employ, tutor, outrun, interview, blame, mimic, sponsor, betray, admire"),
)
