"""Templates of the sentences that state facts, and of the scenery (filler sentences) around them.

Every statement of a relation uses the same key words (`born`, `worked as`, `founded` …), which the plain questions use
too; the paraphrased questions in questions.py share no content word with any of them. `{s}` is the subject, `{o}` the
object, `{a}` its article. Scenery says nothing about a named person, town, organisation or event that a question could
ask for.
"""

from __future__ import annotations


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


STATEMENTS: dict[str, tuple[str, ...]] = {
    relation: _listed(wordings)
    for relation, wordings in {
        "birthplace": "{s} was born in {o} | {s} was born in the town of {o} | {o} is the town where {s} was born"
        " | it was in {o} that {s} was born | {s}, like the grandparents before, was born in {o}",
        "birth_year": "{s} was born in the year {o} | the year in which {s} was born is {o}"
        " | it was in the year {o} that {s} was born",
        "profession": "{s} worked as {a} {o} | {s} worked for a lifetime as {a} {o}"
        " | for most of those years {s} worked as {a} {o} | {s}, who had never wished for anything else, worked as"
        " {a} {o}",
        "employer": "{s} was employed by the {o} | the {o} employed {s} | it was the {o} that employed {s}"
        " | {s}, still young then, was employed by the {o}",
        "teacher": "{s} was taught by {o} | {o} taught {s} | it was {o} who taught {s}"
        " | {s}, when nobody else would do it, was taught by {o}",
        "heir": "{s} named {o} as heir | {s} named {o} as the only heir | it was {o} whom {s} named as heir",
        "river": "{s} stands on the river {o} | the town of {s} stands on the river {o}"
        " | {s}, walls and all, stands on the river {o} | it is on the river {o} that {s} stands",
        "inhabitants": "{s} had {o} inhabitants | there were {o} inhabitants in {s}"
        " | {s} had {o} inhabitants, not counting the garrison | the town of {s} had {o} inhabitants",
        "founder": "the {s} was founded by {o} | {o} founded the {s} | it was {o} who founded the {s}"
        " | {o}, against all advice, founded the {s}",
        "founding_year": "the {s} was founded in {o} | the {s} was founded in the year {o}"
        " | it was in {o} that the {s} was founded",
        "seat": "the {s} has its offices in {o} | the offices of the {s} are in {o}"
        " | the {s} has had its offices in {o} from the start | it is in {o} that the {s} has its offices",
        "event_town": "the {s} took place in {o} | the {s}, of which songs are still sung, took place in {o}"
        " | it was in {o} that the {s} took place | {o} is the town where the {s} took place",
        "event_date": "the {s} began on {o} | it was on {o} that the {s} began | the {s}, as far as can be known, began"
        " on {o}",
        "visited": "{s} visited {o} | {s} visited {o} and stayed for a week | {s} visited {o} on foot"
        " | {s}, in good spirits, visited {o} | {s} visited {o} with only a bag and a stick",
    }.items()
}
# Two facts of one subject in one sentence: {o} is the first relation's object, {p} the second's.
PAIRS: dict[tuple[str, str], tuple[str, ...]] = {
    pair: _listed(wordings)
    for pair, wordings in {
        ("birthplace", "birth_year"): "{s} was born in {o} in the year {p} | {s} was born in the year {p} in the town"
        " of {o}",
        ("profession", "employer"): "{s} worked as {a} {o} and was employed by the {p}",
        ("founder", "founding_year"): "the {s} was founded by {o} in the year {p}",
        ("event_town", "event_date"): "the {s} began on {p} and took place in {o}",
        ("river", "inhabitants"): "{s} stands on the river {o} and had {p} inhabitants",
    }.items()
}
# Phrases that may precede a statement, by genre of the document.
LEADS: dict[str, tuple[str, ...]] = {
    genre: _listed(leads)
    for genre, leads in {
        "obituary": "As the parish book shows, | By all accounts | As the family tells it, | It is agreed that"
        " | The neighbours remember that | The stone says that",
        "register": "As the roll has it, | By all accounts | As everyone in the guild knew, | The wardens wrote that"
        " | The accounts show that | An older hand adds that",
        "gazetteer": "By the surveyor's book | Every traveller learns that"
        " | As the maps show, | It is printed everywhere that",
        "history": "According to the charter | As the minute book has it, | It is agreed that"
        " | The oldest ledger shows that | By all accounts | The porters will tell anyone that",
        "chronicle": "The chronicles agree that | As the town clerk wrote, | By all accounts"
        " | The oldest account has it that | It is beyond dispute that",
        "letter": "You will be glad to hear that | That season | Before the frost | As I heard at table,"
        " | They tell me that | In the same month | To everyone's surprise | My cousin writes that",
    }.items()
}

SLOTS: dict[str, tuple[str, ...]] = {
    name: _listed(words)
    for name, words in {
        "season": "spring | summer | autumn | winter | a dry year | a wet year | the lean months | the cold months",
        "good": "barley | wool | timber | tallow | salt fish | slate | honey | linen | iron nails | dried apples"
        " | candles | oats | leather | rope | charcoal | cheese | pepper | hops | paper | copper wire",
        "spot": "the market square | the lower bridge | the quay | the mill | the old gate | the inn by the ferry"
        " | the green | the toll house | the corn exchange | the south steps | the almshouse",
        "folk": "the carters | the millers | the fishwives | the clerks | the shepherds | the bargemen | the masons"
        " | the widows | the apprentices | the pedlars | the choirboys | the innkeepers",
        "doing": "argued about tolls | waited for the ferry | mended their tools | told old stories"
        " | counted their sacks | sang until late | complained of the mud | shared bread and cheese"
        " | watched the clouds | played at ninepins | warmed their hands | looked for a lost mule",
        "weather": "It rained | The wind turned | Snow lay on the roofs | Fog came up from the water"
        " | The heat broke at last | Hail fell out of a clear sky",
        "trait": "patient with children | slow to anger | fond of cats | quick at sums | afraid of geese"
        " | careful with money | generous to beggars | a good listener | an early riser | a poor dancer"
        " | never without a pencil | fond of strong tea | a great mender of chairs | stubborn about small things",
        "thing": "a brass lamp | two chairs | a box of letters | a broken fiddle | a shelf of almanacs"
        " | a green coat | a chest without a key | a set of spoons | a walnut desk",
        "kin": "an aunt | a brother-in-law | two cousins | an old friend | a neighbour | a nephew",
        "quality": "steep streets | narrow lanes | good bread | loud bells | bad cellars | fine doorways"
        " | crooked chimneys | clean wells | draughty halls",
        "ail": "a cough | a sore knee | the toothache | a bad night | a cold in the head",
    }.items()
}
SCENERY: dict[str, tuple[str, ...]] = {
    "any": _lines("""
        In {season} the price of {good} rose and then fell again.
        On market days {folk} {doing} near {spot}.
        {weather}, and {folk} {doing} under the arches.
        Nobody could remember so much {good} on the carts.
        A wall near {spot} fell down and was put up again with better stone.
        There was {good} enough for everyone, and little else to speak of.
        {Folk} {doing}, as {folk} will.
        {weather}, so that {folk} stayed at home and {doing}.
        Somebody had left a sack of {good} by {spot}, and nobody asked for it.
        It was said at {spot} that {good} would be dear in {season}.
        The dogs near {spot} barked at {folk} and at nobody else.
        For once {folk} and the tax collector agreed about {good}.
        {weather}, and the lamps near {spot} were lit at noon.
        In {season} the carts of {good} stood wheel to wheel.
        {Folk} asked for {good}, got {good2}, and {doing}.
        A fair copy of the tolls hung at {spot}, where nobody read it.
        Children threw {good} at {spot}, and {folk} {doing}.
        It took {folk} the whole of {season} to mend one roof.
        {kin_c} of the ferryman sold {good} from a barrow.
        The clock near {spot} was slow, and so were {folk}.
        Somebody sang near {spot}, and {folk} {doing} until it was dark.
        What {good} cost in {season}, it never cost again.
        """),
    "obituary": _lines("""
        {He} was {trait}, and did not mind being told so.
        Those who came to the house found {thing} in every room.
        {kin_c} wept openly; {folk} did not.
        {He} is remembered by {folk}, who {doing} on the way home.
        Of {thing} nothing more was heard.
        {He} could tell {good} from {good2} in the dark.
        There will be no stone angel; {he} did not like them.
        The sermon was long, and {folk} {doing} at the back.
        To the very end {he} would take {good} with everything.
        {He} once quarrelled with {folk} over {thing}, and won.
        {He} kept {thing} for no reason that anyone could give.
        In {season} {he} would walk to {spot} and back before breakfast.
        The mourners drank what there was and spoke of {good}.
        {kin_c} has asked for {thing}, and shall have it.
        """),
    "register": _lines("""
        {He} was {trait}, which the wardens noted twice.
        The fee was paid in {good}, as the custom was.
        A fine of one candle was set for speaking out of turn.
        The box holds {thing}, lent and not yet returned.
        Two wardens were absent, having gone to look at {good}.
        {He} paid for the candles and for {thing}.
        The book is stained here, with {good} by the smell of it.
        {Folk} spoke for the petition, and {folk2} against it.
        In {season} the hall was cold, and the minutes are short.
        {He} was praised for good measure and for clean {good}.
        A complaint of {folk} was heard and laid aside.
        {He} signed with a cross and a drawing of a bird.
        The feast was held near {spot}, with too little {good}.
        {Folk} asked to be admitted too, and were told to wait for {season}.
        """),
    "gazetteer": _lines("""
        The place is known for {quality} and {quality2}.
        Strangers praise its {good} and curse its inns.
        The road there is deep in mud in {season}, and carts of {good} come late.
        At {spot} one can buy {good} and hear the news.
        {Folk} will show the way for a piece of cheese.
        It has {quality}, and {folk} who are proud of them.
        In {season} it smells of {good} from end to end.
        The inn is fair, the beds are short, and {good} comes with every meal.
        There is a wall, and a walk upon it as far as {spot}.
        Of old it paid its dues in {good}, and now in complaints.
        A print of {spot} can be had for little, and is like.
        The bells were recast, which cost more than anyone had expected.
        There is a market for {good}, and another for {good2}.
        {Folk} keep a feast of their own near {spot}.
        """),
    "history": _lines("""
        The first winters were hard, and the fires were lit with old paper.
        Its porters are paid in {good}, and its clerks in promises.
        A lawsuit about {thing} went on for longer than anyone wished.
        In {season} the books did not balance, and {folk} were blamed.
        The sign over the door was painted twice, the second time with more gold.
        It bought {good} when it was cheap and sold it when it was not.
        It once sent {good} where {good2} was wanted, and kept the fee.
        {Folk} were let in on feast days and {doing} in the yard.
        There is a portrait of nobody in particular on the stairs.
        Its ledgers are bound in leather, and its rooms smell of {good}.
        A strike of {folk} was ended with {good} and promises.
        It owns {thing}, which is shown to visitors of rank.
        In {season} no more than a candle was burned in each room.
        The partners met near {spot} and agreed on little.
        """),
    "chronicle": _lines("""
        {Folk} talked of nothing else, and {doing}.
        {weather}, and what had been paper was pulp.
        Some say that it was the fault of {folk}; others blame the {good}.
        A ballad was made of it, and a better one against it.
        {thing_c} was all that one house saved.
        The price of {good} doubled, and {folk} {doing}.
        {Folk} were there from first to last, or say so.
        Of the {good} that was lost there is a list, and it is long.
        In {season} children still play at it near {spot}.
        No two of {folk} tell it alike.
        The drum that was beaten then hangs at {spot}.
        {Folk} came with {good}, and {folk2} with nothing but advice.
        For a week no {good} could be had at {spot}.
        Those who had stood near {spot} told it best, and longest.
        """),
    "letter": _lines("""
        I have had {ail} since I wrote last, and am better.
        Please send {good}, and no more advice.
        {kin_c} of mine has come to stay, and is {trait}.
        We were shut in for a week, and I have read every book twice.
        The post was slow in {season}, and {folk} were no help.
        Your last parcel of {good} came wet but whole.
        I am told to rest, and so I count {good} instead.
        Nothing here is as dear as {good}, unless it be {good2}.
        There was music near {spot}, if that is the word for it.
        Burn this, or at least do not read it near {folk}.
        Forgive the ink; it was made of {good}, I think.
        You ask after {thing}; I have it still.
        We have {good} in the cellar and {folk} in the yard.
        I walked to {spot} and met nobody but {folk}.
        Do not believe what is said of {folk} and {good2}.
        """),
}
"""Genre of a document to its sentences; `any` fits everywhere."""

TITLES = {
    "obituary": "Obituaries, number {n}",
    "register": "The Guild Register, leaf {n}",
    "gazetteer": "Gazetteer, sheet {n}",
    "history": "Histories of the Houses, part {n}",
    "chronicle": "Chronicle, chapter {n}",
    "letter": "Letter {n}, from {writer} to {reader}",
}
OPENINGS: dict[str, tuple[str, ...]] = {
    genre: _listed(openings)
    for genre, openings in {
        "obituary": "Of {s} much was said at the graveside. | {s} is gone, and the house is quiet."
        " | Few will forget {s}. | The death of {s} surprised nobody and grieved many.",
        "register": "{s} stands next in the roll. | Under the same seal the book has {s}."
        " | The next line is for {s}. | Of {s} the wardens had no complaint.",
        "gazetteer": "{s}. | One comes to {s} by the old road. | The next sheet has {s}. | No map leaves out {s}.",
        "history": "Much is told of the {s}. | The {s} deserves a page of its own."
        " | Nobody who deals in these goods can pass over the {s}. | Then there is the {s}.",
        "chronicle": "Here the {s} must be told. | Of the {s} there are three accounts."
        " | Old people still speak of the {s}. | No chapter can leave out the {s}.",
        "letter": "My dear friend, | Dear cousin, | My very dear friend, | Dear old friend,",
    }.items()
}
