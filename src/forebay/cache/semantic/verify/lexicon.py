"""The words that the verification knows something about; all lists are Forebay's own.

They are short on purpose: what is not in them counts as a word of its own, and a word of its own that stands in one
text only is a reason to refuse. A missing synonym costs a hit, never a false one.
"""

from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


DETERMINERS: Final = words("a an the this that these those some any such its")

PREPOSITIONS: Final = words(
    "of for in on at by from to into onto with about as during through via using between among within across "
    "toward towards per than over under above below before after against without versus vs near around behind "
    "like inside outside until since despite except upon off"
)

PRONOUNS: Final = words(
    "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her "
    "hers herself it itself they them their theirs themselves one oneself someone somebody anyone anybody "
    "everyone everybody"
)

AUXILIARIES: Final = words(
    "is are am was were be been being do does did doing done has have had having can could should would will "
    "shall may might must ought get gets got getting"
)

QUESTION: Final = words("what which who whom whose where when why how whether")

CONJUNCTIONS: Final = words("and or vs versus plus nor")

OTHER: Final = words(
    "if then so because also too there here just not no never cannot but s t d ll re ve am while that be to up "
    "out else according please tell me know mean means meaning think explain describe define definition give show "
    "list"
)

LIGHT_VERBS: Final = words(
    "become becomes becoming need want like make makes made let go going come try start use used using take taken "
    "find found see look recommend recommended suggest suggested happen happens happened exist exists done "
    "involved considered able answer question name names"
)
"""Those of the light words that may change what is asked for after all: what it is used for."""

LIGHT: Final = LIGHT_VERBS | words(
    "best good great top nice better greatest finest favorite favourite excellent perfect ideal really actually "
    "very truly exactly basically possibly ever still simply quite pretty much real actual certain particular "
    "various several many few some kind kinds sort sorts way ways tip tips method methods thing things stuff "
    "option options example examples people person someone anyone everybody everyone guy guys human humans "
    "general common popular main major key important different possible suggestions opinion opinions personally "
    "most more own also easily quickly properly effectively generally usually lot lots bit well exact true fact "
    "facts typical average successfully correctly efficiently lately etc alot currently now nowadays today "
    "questions"
)
"""What a text may have more than the other without asking for something else; weighed by the second check."""

FUNCTION: Final = DETERMINERS | PREPOSITIONS | PRONOUNS | AUXILIARIES | QUESTION | CONJUNCTIONS | OTHER

NEGATORS: Final = words(
    "not no never cannot without neither nor none nobody nothing nowhere hardly rarely seldom barely unable "
    "except lack lacks lacking avoid fail fails failed refuse refuses stop prevent minus unlike instead"
)

_UNITS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
)  # fmt: skip

# "One" is most often a pronoun: "how can one".
SMALL_NUMBERS: Final = {
    **{word: str(number) for number, word in enumerate(_UNITS) if word != "one"},
    **{word: str(10 * number) for number, word in enumerate(_TENS, start=2)},
}
ORDINALS: Final = {word: f"{number}." for number, word in enumerate(_ORDINALS, start=1)}
LARGE_NUMBERS: Final = words(
    "hundred thousand million billion trillion dozen half quarter twice double triple thrice once"
)

ROMAN: Final = {
    "ii": "2",
    "iii": "3",
    "iv": "4",
    "vi": "6",
    "vii": "7",
    "viii": "8",
    "ix": "9",
    "xi": "11",
    "xii": "12",
}

_GROUPS: Final = """
buy purchase
begin commence
lose reduce shed
fix repair
difficult hard tough
simple easy
big large huge
fast quick rapid
quickly rapidly
fully completely totally entirely
movie film
car automobile
phone cellphone smartphone mobile
job employment
university college
exam examination test
kid child children
doctor physician
illness disease sickness
error bug
delete erase
display show
acquire obtain
earn make
money cash
build construct
couch sofa
trip journey
pick choose select
terrible awful
happy glad
scared afraid
smart intelligent clever
rich wealthy
sick ill
picture photo photograph image
tv television
pc computer
laptop notebook
uk britain
difference distinction differ different
main primary
reply respond
talk speak
assist help
wish desire
stay remain
permit allow
require need
comprehend understand
learn study
improve enhance
increase raise boost
decrease lower
cause reason
benefit advantage
drawback disadvantage downside
weird strange odd
cost price
amazing awesome incredible
essential necessary
gift present
road street
shop store
travel traveling
prepare preparation
develop development
design designing
program programming
invest investment
calculate compute
construct construction
install installation
explain explanation
die death
india indian
china chinese
japan japanese
russia russian
germany german
france french
spain spanish
italy italian
britain british
canada canadian
australia australian
mexico mexican
korea korean
pakistan pakistani
usa america american
europe european
africa african
israel israeli
site website
company firm agency
vision eyesight
similar alike
gain get
house home
teacher instructor
lawyer attorney
end finish
recover retrieve restore
stop avoid prevent
affect influence impact
popular famous
bad harmful
"""

SYNONYMS: Final = tuple(tuple(line.split()) for line in _GROUPS.strip().splitlines())
"""Words that may stand for each other."""

_FORMS: Final = """
: men:man women:woman children:child feet:foot teeth:tooth mice:mouse geese:goose lives:life wives:wife knives:knife
wolves:wolf leaves:leaf went:go gone:go goes:go bought:buy sold:sell paid:pay made:make ran:run wrote:write
written:write saw:see seen:see took:take taken:take gave:give given:give came:come knew:know known:know
thought:think taught:teach found:find felt:feel kept:keep left:leave lost:lose met:meet read:read said:say sent:send
spoke:speak spoken:speak spent:spend stood:stand told:tell understood:understand won:win began:begin begun:begin
broke:break broken:break built:build chose:choose chosen:choose drank:drink drove:drive driven:drive ate:eat
eaten:eat fell:fall fallen:fall flew:fly flown:fly forgot:forget forgotten:forget grew:grow grown:grow held:hold
heard:hear hid:hide hidden:hide led:lead lent:lend rose:rise risen:rise slept:sleep stole:steal stolen:steal
swam:swim threw:throw thrown:throw wore:wear worn:wear died:die dying:die lying:lie tying:tie analyses:analysis
crises:crisis criteria:criterion news:news series:series species:species maths:math
"""

IRREGULAR: Final = dict(pair.split(":") for pair in _FORMS.split())
"""The forms that no ending gives away."""
