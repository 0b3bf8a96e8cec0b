"""KG-QAGen (Tatarinov et al. 2025, arXiv 2505.12495): multi-hop and set questions over a graph told as agreements.

A generated graph of borrowers, lenders, agents, towns, amounts and dates is told as long credit agreements and a
register of companies. A question's level is its number of hops, plus its set operations, plus 1 if it has several
answers, as in KG-QAGen (L1 easy, L2 to L4 medium, L5 hard). Deviation: agreements are generated (KG-QAGen annotates
real filings).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, largest, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
LEVELS = ("L1", "L2", "L3", "L4", "L5")
_CLAUSES = (
    "The Borrower shall keep proper books of record and account in which full and correct entries are made.",
    "No failure or delay in exercising any right hereunder shall operate as a waiver thereof.",
    "The proceeds shall be used for general corporate purposes and for no other purpose whatsoever.",
    "Each party waives, to the fullest extent permitted by law, any right to a trial by jury.",
    "Headings are for convenience only and shall not affect the meaning of any provision.",
    "The Borrower shall give prompt notice of any event that with the passing of time may become a default.",
    "Any notice shall be in writing and shall be deemed given when it is delivered by hand or by courier.",
    "Interest shall be computed on the basis of a year of three hundred and sixty days.",
    "This instrument may be signed in any number of counterparts, all of which together are one and the same.",
    "The Borrower shall not create any lien upon its property other than those that are permitted hereby.",
    "Amounts repaid may be borrowed again until the final date, subject to the terms and conditions hereof.",
    "If any provision is held to be invalid, the remaining provisions shall continue in full force.",
)  # fmt: skip


@dataclass(frozen=True)
class _Agreement:
    name: str
    borrower: str
    agent: str
    lenders: tuple[str, ...]
    amount: int
    year: int


@dataclass
class _Graph:
    """Agreements, and each company's seat and owner."""

    agreements: list[_Agreement]
    seat: dict[str, str]
    owner: dict[str, str]


@dataclass(frozen=True)
class _Found:
    question: str
    answers: tuple[str, ...]
    agreements: tuple[str, ...]  # those whose text is evidence
    companies: tuple[str, ...]  # those whose entry in the register is evidence
    hops: int
    set_operations: int

    @property
    def level(self) -> str:
        return f"L{self.hops + self.set_operations + (len(self.answers) > 1)}"


def load(
    *,
    tokens: int | Sequence[int] = 8_000,
    levels: Sequence[str] | str | None = None,
    contexts: int = 1,
    questions: int = 10,
    clauses: int = 8,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """KG-QAGen's kind of questions: multi-hop and set questions over credit agreements and a register of companies.

    For each length there are `contexts` sets of agreements with `questions` questions each, levels in turn. Each
    agreement is a document, and the register is another. `clauses`: number of boilerplate clauses in an agreement;
    fewer make the graph denser. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=2_000)
    chosen = chosen_of(levels, LEVELS, "levels")
    if contexts < 1 or questions < 1 or not 0 <= clauses <= 100:
        raise InputError("contexts and questions from 1, clauses 0 to 100", field="clauses", fix="use e.g. clauses: 8")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for number in range(contexts):
            name = f"{length}-{number}"
            sheets.append(_sheet(name, random.Random(f"{seed}:{name}"), length, chosen, questions, clauses, count))
    return corpus_of(
        "kg_qagen", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {', '.join(map(str, lengths))} tokens ({tokenizer})",
    )  # fmt: skip


def _sheet(
    name: str, draw: random.Random, length: int, levels: Sequence[str], questions: int, clauses: int, count: Count
) -> Sheet:
    """As many agreements as fit, the register of their companies, and the questions."""
    graph, texts = _Graph([], {}, {}), list[str]()
    names = Names(draw)
    towns = [names.word(1, end) for end in TOWN_ENDS[:9]]
    lenders = [f"{names.word(2)} Bank" for _ in range(max(6, length // 900))]
    agents = [f"{names.word(2)} Trust" for _ in range(4)]
    for company in (*lenders, *agents):
        graph.seat[company] = draw.choice(towns)

    def made(number: int) -> dict[str, str]:
        while len(graph.agreements) < number:
            agreement = _agree(draw, names, graph, lenders, agents, towns)
            texts.append(_told(draw, agreement, clauses))
        companies = [a.borrower for a in graph.agreements[:number]] + lenders + agents
        register = "\n".join(_entry(graph, company) for company in sorted(companies))
        shown = {f"agreement-{n}": texts[n - 1] for n in range(1, number + 1)}
        return {**shown, "register": f"REGISTER OF COMPANIES\n{register}"}

    fitted = largest(
        made, lambda shown: sum(map(count, shown.values())), length, guess=max(3, length // (170 + 20 * clauses)),
        floor=3,
    )  # fmt: skip
    graph.agreements = graph.agreements[: len(fitted) - 1]
    documents = {agreement.name: f"agreement-{n}" for n, agreement in enumerate(graph.agreements, 1)}
    asked, seen = list[Asked](), set[str]()
    for number in range(questions):
        for _ in range(500):
            found = _ask(draw, graph, levels[number % len(levels)])
            if found is not None and found.question not in seen:
                seen.add(found.question)
                asked.append(_worded(found, graph, documents, fitted))
                break
    return Sheet(name, fitted, asked, length)


def _agree(
    draw: random.Random,
    names: Names,
    graph: _Graph,
    lenders: Sequence[str],
    agents: Sequence[str],
    towns: Sequence[str],
) -> _Agreement:
    borrower = f"{names.word(2)} {draw.choice(('Mills', 'Foundry', 'Shipping', 'Brewery', 'Glassworks'))}"
    graph.seat[borrower] = draw.choice(towns)
    graph.owner[borrower] = f"{names.word(2)} Holding"
    chosen = draw.sample(lenders, draw.randint(2, min(5, len(lenders))))
    amount, year = draw.randint(2, 900) * 1_000_000, draw.randint(1990, 2024)
    agreement = _Agreement(f"the {borrower} Agreement", borrower, draw.choice(agents), tuple(chosen), amount, year)
    graph.agreements.append(agreement)
    return agreement


def _told(draw: random.Random, agreement: _Agreement, clauses: int) -> str:
    """The agreement's facts, one sentence each, among clauses that say nothing about the graph."""
    *most, last = agreement.lenders
    facts = [
        f"This credit agreement, known as {agreement.name}, is made with {agreement.borrower} as Borrower.",
        f"The lenders that take part in {agreement.name} are {', '.join(most)} and {last}.",
        f"{agreement.agent} acts as administrative agent under {agreement.name}.",
        f"The commitments under {agreement.name} amount to {agreement.amount:,} dollars.",
        f"{agreement.name[0].upper()}{agreement.name[1:]} was signed in the year {agreement.year}.",
    ]
    filler = [draw.choice(_CLAUSES) for _ in range(clauses)]
    places = sorted(draw.randint(0, len(filler)) for _ in facts[1:])
    parts: list[str] = []
    at = 0
    for place, fact in zip(places, facts[1:], strict=True):
        parts += [*filler[at:place], fact]
        at = place
    sections = [facts[0], *parts, *filler[at:]]
    return f"{agreement.name.upper()}\n" + "\n".join(f"{n}. {part}" for n, part in enumerate(sections, 1))


def _entry(graph: _Graph, company: str) -> str:
    owner = f" and is owned by {graph.owner[company]}" if company in graph.owner else ""
    return f"{company} has its seat in {graph.seat[company]}{owner}."


def _ask(draw: random.Random, graph: _Graph, level: str) -> _Found | None:
    """A random question of the level, or None when the drawn agreements do not allow one."""
    one, two, three = draw.sample(graph.agreements, 3)
    both = tuple(lender for lender in one.lenders if lender in two.lenders)
    only = tuple(lender for lender in one.lenders if lender not in two.lenders)
    rest = tuple(lender for lender in both if lender not in three.lenders)
    a, ab, abc = (one.name,), (one.name, two.name), (one.name, two.name, three.name)
    seats = graph.seat
    forms = [
        _Found(f"Which company acts as administrative agent under {one.name}?", (one.agent,), a, (), 1, 0),
        _Found(f"In which year was {one.name} signed?", (str(one.year),), a, (), 1, 0),
        _Found(f"Which lenders take part in {one.name}?", one.lenders, a, (), 1, 0),
        _Found(
            f"In which town has the administrative agent under {one.name} its seat?", (seats[one.agent],), a,
            (one.agent,), 2, 0,
        ),
        _Found(
            f"Which company owns the borrower of {one.name}?", (graph.owner[one.borrower],), a, (one.borrower,), 2, 0
        ),
        _Found(
            f"In which towns do the lenders that take part in {one.name} have their seats?",
            _towns(graph, one.lenders), a, one.lenders, 2, 0,
        ),
        _Found(f"Which lenders take part in both {one.name} and {two.name}?", both, ab, (), 1, 1),
        _Found(f"Which lenders take part in {one.name} but not in {two.name}?", only, ab, (), 1, 1),
        _Found(
            f"In which towns do the lenders that take part in {one.name} but not in {two.name} have their seats?",
            _towns(graph, only), ab, only, 2, 1,
        ),
        _Found(
            f"Which lenders take part in both {one.name} and {two.name} but not in {three.name}?", rest, abc, (), 1, 2
        ),
        _Found(
            f"In which towns do the lenders that take part in {one.name} or {two.name} but not in {three.name} have"
            " their seats?",
            _towns(graph, joined := _either(one, two, three)), abc, joined, 2, 2,
        ),
    ]  # fmt: skip
    fitting = [found for found in forms if found.answers and found.level == level]
    return draw.choice(fitting) if fitting else None


def _towns(graph: _Graph, companies: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(graph.seat[company] for company in companies))


def _either(one: _Agreement, two: _Agreement, without: _Agreement) -> tuple[str, ...]:
    return tuple(lender for lender in dict.fromkeys(one.lenders + two.lenders) if lender not in without.lenders)


def _worded(found: _Found, graph: _Graph, documents: dict[str, str], texts: dict[str, str]) -> Asked:
    spans: list[tuple[str, int, int]] = []
    for name in found.agreements:
        document = documents[name]
        for line in texts[document].split("\n")[1:]:
            sentence = line.partition(". ")[2]
            if _bears(found.question, sentence):
                start = texts[document].index(sentence)
                spans.append((document, start, start + len(sentence)))
    for company in found.companies:
        entry = _entry(graph, company)
        start = texts["register"].index(f"\n{entry}") + 1
        spans.append(("register", start, start + len(entry)))
    text = (
        "The texts are credit agreements and a register of companies. Answer with the answer alone; separate several "
        f"items by commas.\nQuestion: {found.question}"
    )
    metrics = ("list_f1", "kg_qa_f1") if len(found.answers) > 1 else ("kg_qa_f1", "contains")
    labels = {"hops": found.hops, "set_operations": found.set_operations, "plural": len(found.answers) > 1}
    return Asked(text, (", ".join(found.answers),), spans, found.level, metrics, labels=labels)


def _bears(question: str, sentence: str) -> bool:
    """Whether an agreement's sentence states the kind of fact that the question asks for."""
    kinds = {
        "lenders": "The lenders that take part", "agent": "acts as administrative agent", "year": "was signed in the",
        "borrower": "as Borrower.",
    }  # fmt: skip
    return any(kind in sentence for word, kind in kinds.items() if word in question.lower())
