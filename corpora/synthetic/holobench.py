"""HoloBench (Maekawa et al. 2024, arXiv 2410.11996; megagonlabs/holobench): database operations over sentences.

The rows of tables are told as sentences; questions are queries over all of them, and the gold answer is the query's
result on the rows in the context. As in HoloBench, the share of relevant rows (`density`) and their place (`merge`) are
options. Deviations: tables are generated (HoloBench verbalises those of Spider), queries are templates, and answers are
scored by their items or number instead of by a model that labels rows.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, largest, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
MERGES = ("uniform", "begin", "end", "middle", "bimodal")
_STAFF = "staff(name TEXT, department TEXT, city TEXT, salary INTEGER, age INTEGER)"
_DEPARTMENT = "departments(name TEXT, budget INTEGER, floor INTEGER)"
_DEPARTMENTS = (
    "accounts archives design exports forestry glazing harvest irrigation joinery kitchens ledgers maps nursing".split()
)
_NUMBER, _LIST = ("numeric_accuracy", "contains"), ("list_f1",)


@dataclass(frozen=True)
class Query:
    """A question template, the SQL query that answers it, and how the answer is scored."""

    question: str
    sql: str
    metrics: tuple[str, ...]
    tables: int = 1


QUERIES = {
    "max": Query("Who has the highest salary?", "SELECT name FROM staff ORDER BY salary DESC LIMIT 1", _LIST),
    "min": Query("Who is the youngest of the staff?", "SELECT name FROM staff ORDER BY age LIMIT 1", _LIST),
    "sum": Query(
        "What is the sum of the salaries in the {department} department?",
        "SELECT sum(salary) FROM staff WHERE department = :department", _NUMBER,
    ),
    "average": Query(
        "What is the average age of the staff in {city}, rounded to the nearest whole number (halves up)?",
        "SELECT CAST(avg(age) + 0.5 AS INTEGER) FROM staff WHERE city = :city", _NUMBER,
    ),
    "count": Query(
        "How many of the staff in {city} are older than {age}?",
        "SELECT count(*) FROM staff WHERE city = :city AND age > :age", _NUMBER,
    ),
    "filter": Query(
        "Which of the staff of the {department} department work in {city}? List them all.",
        "SELECT name FROM staff WHERE department = :department AND city = :city", _LIST,
    ),
    "top_k": Query(
        "Who are the three best paid of the staff in {city}?",
        "SELECT name FROM staff WHERE city = :city ORDER BY salary DESC LIMIT 3", _LIST,
    ),
    "distinct": Query(
        "In which different cities does staff of the {department} department work? List them all.",
        "SELECT DISTINCT city FROM staff WHERE department = :department", _LIST,
    ),
    "group": Query(
        "Which department has the most staff? Name all that share the first place.",
        "SELECT department FROM staff GROUP BY department HAVING count(*) ="
        " (SELECT max(n) FROM (SELECT count(*) AS n FROM staff GROUP BY department))", _LIST,
    ),
    "join": Query(
        "What is the number of staff whose department sits on floor {floor}?",
        "SELECT count(*) FROM staff JOIN departments ON staff.department = departments.name WHERE floor = :floor",
        _NUMBER, 2,
    ),
    "join_list": Query(
        "Which of the staff in {city} belong to the department with the largest budget? List them all.",
        "SELECT staff.name FROM staff JOIN departments ON staff.department = departments.name WHERE city = :city AND"
        " budget = (SELECT max(budget) FROM departments)", _LIST, 2,
    ),
}  # fmt: skip
TASKS = tuple(QUERIES)
_TOLD = {
    "staff": (
        "{0} works in the {1} department in {2}, earns {3} a year and is {4} years old.",
        "In {2}, the {1} department employs {0}, aged {4}, at a salary of {3}.",
        "At {4} years of age, {0} of the {1} department in {2} has a salary of {3}.",
    ),
    "departments": (
        "The {0} department sits on floor {2} and has a budget of {1}.",
        "With a budget of {1}, the {0} department has its rooms on floor {2}.",
    ),
    "shipments": (
        "The ship {0} brought {1} crates of {2} on day {3}.",
        "On day {3} the ship {0} unloaded {1} crates of {2}.",
    ),
}


def load(
    *,
    tokens: int | Sequence[int] = 4_000,
    tasks: Sequence[str] | str | None = None,
    contexts: int = 1,
    density: float = 0.5,
    merge: str = "uniform",
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """HoloBench's operations: database queries over tables that are told as sentences.

    For each length there are `contexts` texts, each asked every task once. `tasks`: max, min, sum, average, count,
    filter, top_k, distinct, group, join, join_list. `density`: share of the tokens that belong to rows of the queried
    tables. `merge`: the place of these rows: uniform, begin, end, middle, bimodal (half at either end). Raises
    InputError.
    """
    lengths = lengths_of(tokens, shortest=1_500)
    chosen = chosen_of(tasks, TASKS, "tasks")
    chosen_of(merge, MERGES, "merge")
    if contexts < 1 or not 0.1 <= density <= 1:
        raise InputError(f"density {density}", field="density", fix="use 0.1 to 1, and contexts from 1")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for number in range(contexts):
            name = f"{length}-{number}"
            draw = random.Random(f"{seed}:{name}")
            tables = _Tables(draw, length, density, merge, count)
            asked = [tables.ask(task, draw) for task in chosen]
            sheets.append(Sheet(name, tables.text, asked, length))
    return corpus_of(
        "holobench", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, density {density}, {merge}, {', '.join(map(str, lengths))} tokens",
    )  # fmt: skip


class _Tables:
    """The tables of one context: their rows as sentences, and a database that gives the answers."""

    def __init__(self, draw: random.Random, length: int, density: float, merge: str, count: Count) -> None:
        names = Names(draw)
        self.cities = [names.word(1, end) for end in draw.sample(TOWN_ENDS, 6)]
        self.departments = draw.sample(_DEPARTMENTS, 8)
        budgets = draw.sample(range(10_000, 99_999), len(self.departments))
        self.floors = [draw.randint(1, 4) for _ in self.departments]
        office = list(zip(self.departments, budgets, self.floors, strict=True))
        told_office = [_say(draw, "departments", row) for row in office]
        staff: list[tuple[Any, ...]] = []
        told_staff: list[str] = []
        salaries: set[int] = set()

        def staff_upto(number: int) -> str:
            while len(staff) < number:
                salary = draw.randint(20_000, 400_000)
                if salary in salaries:
                    continue
                salaries.add(salary)
                person = f"{names.word(2)} {names.word(2)}"
                row = (person, draw.choice(self.departments), draw.choice(self.cities), salary, draw.randint(19, 70))
                staff.append(row)
                told_staff.append(_say(draw, "staff", row))
            return "\n".join(told_staff[:number])

        room = int(length * density) - count("\n".join(told_office)) - 1
        self.staff = staff[: largest(staff_upto, count, room, guess=max(1, room // 32)).count("\n") + 1]
        main = told_staff[: len(self.staff)]
        for row in office:  # sentences on departments are mixed with those on staff
            main.insert(draw.randint(0, len(main)), told_office[office.index(row)])
        others: list[str] = []

        def merged(number: int) -> tuple[str, list[str]]:
            while len(others) < number:
                goods = draw.choice(("tea", "salt", "wool", "tin", "paper", "glass"))
                row = (names.word(2), draw.randint(2, 900), goods, draw.randint(1, 365))
                others.append(_say(draw, "shipments", row))
            lines = _merged(main, others[:number], merge)
            return "\n".join(lines), lines

        guess = max(1, (length - count("\n".join(main))) // 22)
        self.text, lines = largest(merged, lambda made: count(made[0]), length, guess=guess, floor=0)
        wanted = set(main)
        self.spans: dict[str, Span] = {}
        at = 0
        for line in lines:
            if line in wanted:
                self.spans[line] = (at, at + len(line))
            at += len(line) + 1
        self._told = dict(zip((row[0] for row in self.staff), told_staff, strict=False))
        self._told_office = told_office
        self._database = sqlite3.connect(":memory:")
        self._database.execute(f"CREATE TABLE {_STAFF}")
        self._database.execute(f"CREATE TABLE {_DEPARTMENT}")
        self._database.executemany("INSERT INTO staff VALUES (?, ?, ?, ?, ?)", self.staff)
        self._database.executemany("INSERT INTO departments VALUES (?, ?, ?)", office)

    def ask(self, task: str, draw: random.Random) -> Asked:
        """The task's question, filled with values of a random member of staff, so that most have a result."""
        query = QUERIES[task]
        row = draw.choice(self.staff)
        holes = {
            "department": row[1], "city": row[2], "age": draw.randint(20, 60), "floor": draw.choice(self.floors),
        }  # fmt: skip
        if task == "join_list":  # a city where somebody works in the department with the largest budget
            where = self._database.execute(
                "SELECT city FROM staff JOIN departments ON department = departments.name"
                " ORDER BY budget DESC, staff.name"
            ).fetchone()
            holes["city"] = where[0]
        if task == "min":
            least = min(person[4] for person in self.staff)
            youngest = sorted(person[0] for person in self.staff if person[4] == least)
            found: list[str] = youngest
        else:
            found = [str(value) for (value,) in self._database.execute(query.sql, holes).fetchall()]
        question = query.question.format(**holes)
        if task == "min":
            question += " Name all that are of that age."
        spans = [self.spans[self._told[person[0]]] for person in self.staff]
        if query.tables == 2:
            spans += [self.spans[line] for line in self._told_office]
        text = (
            "The text tells the rows of a database as sentences. Answer from all of them, with the answer alone; "
            f"separate several items by commas; if nothing fits, answer: none.\nQuestion: {question}"
        )
        answer = ", ".join(found) or "none"
        return Asked(text, (answer,), sorted(spans), task, query.metrics, labels={"rows": len(self.staff)})


def _say(draw: random.Random, table: str, row: Sequence[Any]) -> str:
    return draw.choice(_TOLD[table]).format(*row)


def _merged(main: Sequence[str], others: Sequence[str], merge: str) -> list[str]:
    """The lines of the queried tables merged with the other lines."""
    if merge == "begin":
        return [*main, *others]
    if merge == "end":
        return [*others, *main]
    if merge == "middle":
        half = len(others) // 2
        return [*others[:half], *main, *others[half:]]
    if merge == "bimodal":
        half = len(main) // 2
        return [*main[:half], *others, *main[half:]]
    lines: list[str] = []
    step = (len(main) + len(others)) / max(1, len(others))
    at = 0
    for number, other in enumerate(others):
        while len(lines) < int(number * step) and at < len(main):
            lines.append(main[at])
            at += 1
        lines.append(other)
    return [*lines, *main[at:]]
