"""Reads a folder of text, Markdown, HTML, PDF and Word files as documents, and reports what was skipped or repaired.

PDF and Word are read by llama-index's readers (pypdf, docx2txt), HTML by Beautiful Soup. Nothing in a file is executed,
fetched or followed: neither links, scripts and external entities nor symbolic links that leave the folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import InputError
from workbench.records import Document
from workbench.text import text_hash

_BLOCKS = (
    "p div section article header footer main aside nav ul ol li dl dt dd table tr h1 h2 h3 h4 h5 h6 pre blockquote "
    "figure figcaption form fieldset address details summary title hr"
).split()
NAMED = 5  # files named with each reason; further ones are only counted
FEW_STRAY = 8  # bytes that are not UTF-8; so few say nothing about the encoding
MOST_STRAY = 0.3  # of the bytes that are not white space; Western languages in Windows-1252 have fewer beyond ASCII
_SILENT = ("script", "style", "noscript", "template", "svg")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that gave no document, and why."""

    path: Path
    reason: str
    supported: bool  # whether its extension has a reader, which then failed


@dataclass(slots=True)
class Ingested:
    """What was read from a folder: documents in path order; `repaired` maps a document to the encoding it was read in,
    `duplicates` a skipped path to the document with the same text."""

    documents: list[Document] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    repaired: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, str] = field(default_factory=dict)

    def notes(self) -> tuple[str, ...]:
        """One line for each skipped, duplicate or repaired file."""
        return (
            *(f"skipped {named}: {reason}" for reason, named in _by_reason(self.skipped)),
            *(f"{name} has the text of {first} and is left out" for name, first in self.duplicates.items()),
            *(f"{name} is not UTF-8 and was read as {encoding}" for name, encoding in self.repaired.items()),
        )


def _by_reason(skipped: Sequence[Skipped]) -> list[tuple[str, str]]:
    """Each reason with the files that it applies to, only the first of them by name."""
    names: dict[str, list[str]] = {}
    for one in skipped:
        names.setdefault(one.reason, []).append(one.path.name)
    return [
        (reason, ", ".join(of[:NAMED]) + (f" and {len(of) - NAMED:,} more" if len(of) > NAMED else ""))
        for reason, of in names.items()
    ]


def ingest(
    folder: Path, *, ignore: frozenset[Path] = frozenset(), max_file_mb: float = 50.0, encoding: str | None = None
) -> Ingested:
    """Read every file under `folder` (or `folder` itself, if it is a file). A document's id is its path below it.

    Hidden files and Word's lock files are ignored; `ignore`: resolved paths that are not documents (the questions
    file); `encoding`: that of text that is not UTF-8. Raises InputError when the folder or the encoding does not exist.
    """
    if encoding is not None:
        _check_encoding(encoding)
    if not folder.exists():
        raise InputError("no such folder", file=folder, fix="give a folder of .txt, .md, .html, .pdf or .docx files")
    found = Ingested()
    by_hash: dict[str, str] = {}
    for path in _files(folder):
        if path.resolve() in ignore:
            continue
        name = path.name if folder.is_file() else path.relative_to(folder).as_posix()
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            kind = path.suffix.lower() or "files without an extension"
            found.skipped.append(Skipped(path, f"no reader for {kind}", supported=False))
            continue
        try:
            if path.stat().st_size > max_file_mb * 1e6:
                raise ValueError(f"larger than max_file_mb ({max_file_mb:g} MB)")
            text, read_as = reader(path, encoding)
            if not text.strip():
                raise ValueError(
                    "holds no text (a scan needs OCR first)" if path.suffix.lower() == ".pdf" else "is empty"
                )
        except (ValueError, OSError) as error:
            found.skipped.append(Skipped(path, _one_line(error), supported=True))
            continue
        first = by_hash.setdefault(text_hash(text), name)
        if first != name:
            found.duplicates[name] = first
            continue
        if read_as:
            found.repaired[name] = read_as
        found.documents.append(Document(name, text, path.stem, {"path": str(path)}))
    return found


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.resolve().is_relative_to(root):
            yield path


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _check_encoding(name: str) -> None:
    try:
        b"xx".decode(name, errors="replace")  # also fails for codecs that do not decode to text, such as base64
    except LookupError as error:
        fix = "e.g. shift_jis, gb18030, big5, euc_kr, cp1251, koi8_r, cp1253, utf_16_le"
        raise InputError(f"unknown encoding {name!r}", field="encoding", fix=fix) from error


def decode(raw: bytes, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file and, when it was not UTF-8, the encoding that it was read in (else an empty string).

    The encoding is that of a byte-order mark; else UTF-8; else `encoding`, if given; else Windows-1252, the superset of
    Latin-1 that most old files are in. In a file of mixed encodings only the bytes that are not UTF-8 are read as
    Windows-1252, and the second text says how many. Raises ValueError for binary files, and for text that is in none of
    these: Cyrillic, Greek or Asian text read as Windows-1252 would be nonsense. Line ends become `\\n`.
    """
    for mark, marked in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return _newlines(raw.decode(marked)), "" if marked == "utf-8-sig" else marked
    if encoding is None and b"\0" in raw[:65536]:
        raise ValueError("is binary, not text")
    try:
        return _newlines(raw.decode("utf-8")), ""
    except UnicodeDecodeError:
        pass
    if encoding is not None:
        return _newlines(raw.decode(encoding)), encoding
    text, stray, beyond = _mixed(raw)
    if stray > max(FEW_STRAY, MOST_STRAY * sum(byte > 32 for byte in raw)):
        raise ValueError("is neither UTF-8 nor Windows-1252; say what it is, e.g. `encoding: shift_jis`")
    return _newlines(text), f"UTF-8 with {stray:,} bytes repaired (cp1252)" if beyond else "cp1252"


def _mixed(raw: bytes) -> tuple[str, int, bool]:
    """The text with each byte that is not UTF-8 read as Windows-1252, how many there are, and whether any character
    beyond ASCII is valid UTF-8 (if not, the whole file is Windows-1252)."""
    lenient = raw.decode("utf-8", errors="surrogateescape")  # a stray byte becomes U+DC80 + (byte - 0x80)
    stray = re.findall("[\udc80-\udcff]", lenient)
    text = re.sub("[\udc80-\udcff]", lambda m: bytes([ord(m[0]) - 0xDC00]).decode("cp1252", errors="replace"), lenient)
    return text, len(stray), any(ord(c) > 127 and not 0xDC80 <= ord(c) <= 0xDCFF for c in lenient)


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_text(path: Path, encoding: str | None) -> tuple[str, str]:
    return decode(path.read_bytes(), encoding)


def _read_html(path: Path, given: str | None) -> tuple[str, str]:
    """The visible text, one line per block, with white space collapsed as in a browser. The encoding that a page
    declares takes precedence over the one `given`."""
    from bs4 import BeautifulSoup

    raw = path.read_bytes()
    soup = BeautifulSoup(raw, "html.parser")
    declared, encoding = (soup.declared_html_encoding or "utf-8").lower(), ""
    if declared in ("utf-8", "utf8", "ascii", "us-ascii"):  # `decode` repairs only stray bytes; a guess changes all
        text, encoding = decode(raw, None if soup.declared_html_encoding else given)
        soup = BeautifulSoup(text, "html.parser")
    elif (soup.original_encoding or declared) not in ("utf-8", "ascii"):
        encoding = str(soup.original_encoding or declared)
    for tag in soup(_SILENT):
        tag.decompose()
    for line_break in soup("br"):
        line_break.replace_with("\n")
    preformatted = soup("pre")
    kept = [tag.get_text() for tag in preformatted]
    for number, tag in enumerate(preformatted):
        tag.string = f"\x00{number}\x00"
    for text in soup.find_all(string=True):
        if text != "\n":
            text.replace_with(re.sub(r"\s+", " ", text))
    for cell in soup(("td", "th")):
        cell.append("\t")  # keeps the cells of a row apart
    for tag in soup(_BLOCKS):
        tag.insert_before("\n")
        tag.append("\n")
    lines = (line.strip() for line in soup.get_text().splitlines())
    joined = re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip()
    return re.sub("\x00(\\d+)\x00", lambda match: kept[int(match.group(1))].strip("\n"), joined), encoding


def _read_pdf(path: Path, encoding: str | None) -> tuple[str, str]:
    from workbench.llama import read_pdf

    return "\n\n".join(page.strip() for page in read_pdf(path)), ""


def _read_docx(path: Path, encoding: str | None) -> tuple[str, str]:
    from workbench.llama import read_docx

    return re.sub(r"\n{3,}", "\n\n", read_docx(path)).strip(), ""


READERS: dict[str, Callable[[Path, str | None], tuple[str, str]]] = {
    ".txt": _read_text,
    ".text": _read_text,
    ".md": _read_text,
    ".markdown": _read_text,
    ".html": _read_html,
    ".htm": _read_html,
    ".pdf": _read_pdf,
    ".docx": _read_docx,
}
