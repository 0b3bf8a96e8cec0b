"""`workbench corpus`: list and show corpora, check a folder of documents, write questions about documents."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.analysis.text_table import table
from workbench.cli.arguments import parse_options
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.records import Context


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-commands to the command line; `command(name, run, help)` makes a parser."""
    parser = command("corpus", None, "list and show corpora, look over a folder, write questions")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def sub(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
        made.set_defaults(run=run)
        made.add_argument("--format", choices=("table", "json"), default="table")
        return made

    sub("list", _list, "all known corpora")
    shown = sub("show", _show, "what a corpus holds, its provenance and licence")
    shown.add_argument("name", metavar="NAME[@PATH]")
    shown.add_argument("-o", "--option", action="append", default=[], metavar="KEY=VALUE", help="a loader option")
    made = sub("make", _make, "read a folder of documents and report what was found, repaired, doubled and skipped")
    made.add_argument("folder", type=Path, metavar="FOLDER")
    made.add_argument("--out", type=Path, metavar="FILE.json", help="write the report there, too")
    made.add_argument("--max-file-mb", type=float, default=50.0, metavar="MB", help="skip larger files (50)")
    asked = sub("questions", _questions, "write questions about documents with a model, keep those that pass checks")
    made.add_argument("--encoding", metavar="NAME", help="of text that is not UTF-8, e.g. shift_jis (cp1252)")
    asked.add_argument("corpus", metavar="FOLDER|NAME[@PATH]")
    asked.add_argument("--llm", required=True, metavar="M", help="the model that writes, e.g. openai/gpt-4o-mini")
    asked.add_argument("--n", type=int, default=100, metavar="N", help="accepted questions wanted (100)")
    asked.add_argument("--kinds", default="single,pair,whole", metavar="LIST", help="single, pair, whole")
    asked.add_argument("--out", type=Path, metavar="FILE.jsonl", help="the questions file (FOLDER/questions.jsonl)")
    asked.add_argument("--encoding", metavar="NAME", help="of a folder's text that is not UTF-8 (cp1252)")
    asked.add_argument("--budget", type=float, metavar="USD", help="stop when it is reached")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("-o", "--option", action="append", default=[], metavar="KEY=VALUE", help="a model option")
    asked.add_argument("--quiet", action="store_true", help="no progress bar")


def _list(arguments: argparse.Namespace) -> int:
    from workbench import catalogue

    rows = [
        {"name": name, "about": (loader.__doc__ or "").strip().partition("\n")[0]}
        for name, loader in catalogue.corpora().items()
    ]
    print(json.dumps(rows, indent=2) if arguments.format == "json" else table(rows))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from workbench.experiment.schema import Entry
    from workbench.experiment.setup import load_corpus
    from workbench.text import count_tokens

    corpus = load_corpus(Entry(name=arguments.name, options=parse_options(arguments.option)))
    tasks: dict[str, int] = {}
    for question in corpus.questions:
        tasks[question.task or "-"] = tasks.get(question.task or "-", 0) + 1
    tokens = [sum(count_tokens(d.text) for d in c.documents) for c in corpus.contexts.values()]
    facts = {
        "name": corpus.name,
        "version": corpus.version,
        "fingerprint": corpus.fingerprint,
        "contexts": len(corpus.contexts),
        "documents": sum(len(c.documents) for c in corpus.contexts.values()),
        "tokens": sum(tokens),
        "longest context (tokens)": max(tokens),
        "questions": len(corpus.questions),
        "with evidence": sum(bool(question.evidence) for question in corpus.questions),
        "tasks": tasks,
        "licence": corpus.licence or "unknown",
        "provenance": corpus.provenance,
        "notes": list(corpus.notes),
    }
    _facts(facts, arguments.format)
    return 0


def _facts(facts: dict[str, Any], format: str) -> None:
    if format == "json":
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for key, value in facts.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        print(f"{key:26} {shown:,}" if isinstance(shown, int) else f"{key:26} {shown}")


def _make(arguments: argparse.Namespace) -> int:
    """Report on a folder; exit code 0 when every file of a supported type was read, 3 when some could not be."""
    report = look_over(arguments.folder, arguments.max_file_mb, arguments.encoding)
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if arguments.format == "json":
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        lists = {key: value for key, value in report.items() if isinstance(value, list)}
        _facts({key: value for key, value in report.items() if key not in lists}, "table")
        for name, rows in lists.items():
            if rows:
                print(f"\n{name.replace('_', ' ')} ({len(rows)})\n{table(rows)}")
        questions = arguments.folder / "questions.jsonl"
        print(f"\nnext: write {questions}, or: workbench corpus questions {arguments.folder} --llm MODEL")
    return 3 if report["unreadable"] else 0


def look_over(folder: Path, max_file_mb: float = 50.0, encoding: str | None = None) -> dict[str, Any]:
    """The documents in a folder: counts, tokens (o200k), and a row for each file that is a duplicate or near duplicate,
    was decoded with a fallback encoding, was skipped or cannot be read. Raises InputError when there is no document."""
    from corpora.files import QUESTION_FILES
    from corpora.ingest import ingest
    from corpora.near_duplicates import near_duplicates
    from workbench.text import count_tokens

    own = frozenset((folder / name).resolve() for name in QUESTION_FILES)
    found = ingest(folder.expanduser(), ignore=own, max_file_mb=max_file_mb, encoding=encoding)
    if not found.documents:
        told = f": {found.skipped[0].path.name} {found.skipped[0].reason}" if found.skipped else ""
        raise InputError(f"holds no document{told}", file=folder, fix="add .txt, .md, .html, .pdf or .docx files")
    tokens = {document.document_id: count_tokens(document.text) for document in found.documents}
    longest = max(tokens, key=lambda name: tokens[name])
    return {
        "folder": str(folder),
        "documents": len(found.documents),
        "tokens": sum(tokens.values()),
        "longest document": f"{longest} ({tokens[longest]:,} tokens)",
        "characters": sum(len(document.text) for document in found.documents),
        "duplicates": [{"file": name, "same as": first} for name, first in found.duplicates.items()],
        "near_duplicates": [
            {"file": b, "nearly": a, "shared": share} for a, b, share in near_duplicates(found.documents)
        ],
        "encodings_repaired": [{"file": name, "read as": encoding} for name, encoding in found.repaired.items()],
        "unreadable": [{"file": s.path.name, "reason": s.reason} for s in found.skipped if s.supported],
        "skipped": [{"file": s.path.name, "reason": s.reason} for s in found.skipped if not s.supported],
    }


def _questions(arguments: argparse.Namespace) -> int:
    """Write questions; exit code 0 when as many as wanted were accepted, 3 when fewer, 4 when the budget is reached."""
    from tqdm import tqdm

    from workbench.questions.writing import WritingOptions, write_questions

    context, out = _documents(arguments.corpus, arguments.out, arguments.encoding)
    kinds = [kind.strip() for kind in arguments.kinds.split(",") if kind.strip()]
    options = WritingOptions(
        arguments.llm, parse_options(arguments.option), arguments.n, kinds, arguments.budget, arguments.seed
    )
    with tqdm(total=arguments.n, unit="question", disable=arguments.quiet, file=sys.stderr) as bar:

        def advance(more: int) -> None:
            bar.update(more)

        done = write_questions(context, options, out, advance)
    facts = {
        "accepted": len(done.rows),
        "rejected": len(done.rejected),
        "rejected for": done.reasons,
        "calls": done.calls,
        "replayed": done.replayed,
        "spent USD": f"{done.spent_usd:.4f}",
        "questions file": str(out),
    }
    _facts(facts, arguments.format)
    if done.stopped:
        print(f"workbench: stopped: {done.stopped}; the same command goes on from here", file=sys.stderr)
        return 4
    if arguments.format == "table":
        print("next: workbench ui, page Review, to accept, edit or drop them")
    return 0 if len(done.rows) >= arguments.n else 3


def _documents(corpus: str, out: Path | None, encoding: str | None = None) -> tuple[Context, Path]:
    """The documents to ask about (a corpus's contexts merged into one), and the file for the questions."""
    from corpora.files import QUESTION_FILES, documents_of
    from corpora.ingest import ingest
    from workbench.experiment.schema import Entry
    from workbench.experiment.setup import load_corpus
    from workbench.records import Context

    folder = Path(corpus).expanduser()
    if folder.exists():
        beside = folder if folder.is_dir() else folder.parent
        own = frozenset((beside / name).resolve() for name in QUESTION_FILES)
        written = frozenset(path.resolve() for path in beside.glob("*.jsonl"))
        found = ingest(folder, ignore=own | written, encoding=encoding)
        if not found.documents:
            raise InputError("holds no document", file=folder, fix="add .txt, .md, .html, .pdf or .docx files")
        return Context(tuple(found.documents)), out or beside / "questions.jsonl"
    loaded = load_corpus(Entry(name=corpus))
    return Context(tuple(documents_of(loaded).values())), out or Path(f"{loaded.name}.questions.jsonl")
