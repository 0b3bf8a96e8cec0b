"""A folder of documents and a questions file become a corpus; each mistake in them is one line that says where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from corpora.files import load
from corpora.ingest import decode, ingest
from workbench.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One document of each kind, one of them doubled, one of no kind."""
    import docx
    from reportlab.pdfgen.canvas import Canvas

    folder = tmp_path / "papers"
    (folder / "notes").mkdir(parents=True)
    pdf = Canvas(str(folder / "lighthouse.pdf"))
    for line in ("The lighthouse was built in 1871.", "Its first keeper was Ann Hale."):
        pdf.drawString(72, 720, line)
        pdf.showPage()
    pdf.save()
    word = docx.Document()
    word.add_paragraph("The budget is 4.2 million euros.")
    word.save(str(folder / "budget.docx"))
    page = "<title>Bridges</title><style>b{}</style><p>The <b>old</b>\n bridge is closed.</p><script>alert(1)</script>"
    (folder / "bridge.html").write_text(page)
    (folder / "notes" / "cafe.txt").write_bytes("The Café opened\r\nin 1999.".encode("cp1252"))
    (folder / "notes" / "copy.md").write_text("The Café opened\nin 1999.")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.txt").write_text("not seen")
    return folder


def ask(folder: Path, *rows: object) -> Path:
    """A questions file in the folder."""
    file = folder / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_every_kind_of_document_is_read(folder: Path) -> None:
    found = ingest(folder)
    texts = {document.document_id: document.text for document in found.documents}
    assert texts == {
        "bridge.html": "Bridges\n\nThe old bridge is closed.",
        "budget.docx": "The budget is 4.2 million euros.",
        "lighthouse.pdf": "The lighthouse was built in 1871.\n\nIts first keeper was Ann Hale.",
        "notes/cafe.txt": "The Café opened\nin 1999.",
    }
    assert found.notes() == (
        "skipped picture.png: no reader for .png",
        "notes/copy.md has the text of notes/cafe.txt and is left out",
        "notes/cafe.txt is not UTF-8 and was read as cp1252",
    )


def test_questions_carry_answers_evidence_and_labels(folder: Path) -> None:
    ask(
        folder,
        {
            "question": "When was it built?",
            "answers": ["1871"],
            "evidence": ["built  in 1871"],
            "task": "date",
            "hops": 1,
        },
        {"question": "Who was the owner?", "unanswerable": True},
        {"question": "Which?", "answer": "B", "options": ["x", "y"], "document_ids": ["bridge.html"]},
    )
    corpus = load(path=str(folder))
    first, second, third = corpus.questions
    assert [chunk.text for chunk in first.evidence] == ["built in 1871"]
    assert all(corpus.contexts[first.context_id].holds(chunk) for chunk in first.evidence)
    assert (first.task, first.metadata["hops"], first.question_id) == ("date", 1, "q1")
    assert (second.metadata["unanswerable"], second.metrics) == (True, ("abstention",))
    assert (third.answers, third.metrics) == (("B",), ("choice_accuracy",))
    assert len(corpus.contexts) == 1


def test_csv_questions(folder: Path) -> None:
    file = folder.parent / "asked.csv"
    file.write_text(
        'question,answers,document_ids,evidence,hops\n"How much, then?",4.2 million|4.2m,budget.docx,"4.2 million",2\n'
    )
    (question,) = load(path=str(folder), questions=str(file)).questions
    assert question.text == "How much, then?"
    assert question.answers == ("4.2 million", "4.2m")
    assert question.evidence[0].document_id == "budget.docx"
    assert question.metadata["hops"] == 2


def test_named_documents_are_the_context(folder: Path) -> None:
    ask(
        folder,
        {"question": "a?", "answers": ["1"], "document_ids": ["budget.docx"]},
        {"question": "b?", "answers": ["1"], "document_ids": ["budget.docx", "bridge.html"]},
        {"question": "c?", "answers": ["1"], "document_ids": ["budget.docx"]},
    )
    corpus = load(path=str(folder), context="named")
    sizes = [len(corpus.contexts[question.context_id].documents) for question in corpus.questions]
    assert sizes == [1, 2, 1]
    assert len(corpus.contexts) == 2


WRONG = {
    "no answer": ({"question": "a?"}, "line 1, answers: is missing or empty"),
    "no question": ({"answers": ["a"]}, "line 1, question: is missing or empty"),
    "not an object": (["a"], "line 1: is no JSON object"),
    "unknown document": (
        {"question": "a?", "answers": ["a"], "document_ids": ["bridge.htm"]},
        "did you mean 'bridge.html'?",
    ),
    "evidence not in it": ({"question": "a?", "answers": ["a"], "evidence": ["not said"]}, "quote the text verbatim"),
    "span outside": (
        {"question": "a?", "answers": ["a"], "evidence": [{"document_id": "budget.docx", "start": 5, "end": 999}]},
        "outside of budget.docx, which has 32 characters",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_question_is_one_line(folder: Path, name: str) -> None:
    row, expected = WRONG[name]
    ask(folder, row)
    with pytest.raises(InputError) as caught:
        load(path=str(folder))
    assert expected in str(caught.value)
    assert "questions.jsonl" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_cut_in_half(folder: Path) -> None:
    (folder / "questions.jsonl").write_text('{"question": "a?", "answers": ["1"]}\n{"question": "b?", "ans')
    with pytest.raises(InputError, match="line 2: is not JSON"):
        load(path=str(folder))


def test_a_csv_row_with_a_comma_too_many(folder: Path) -> None:
    (folder / "questions.csv").write_text("question,answers\nWho, me?,Ann\n")
    with pytest.raises(InputError, match="line 2: has another number of columns than the header"):
        load(path=str(folder))


def test_two_questions_of_one_id(folder: Path) -> None:
    ask(folder, *({"question": "a?", "answers": ["1"], "question_id": "x"} for _ in range(2)))
    with pytest.raises(InputError, match="'x' is also on line 1"):
        load(path=str(folder))


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("broken.pdf", b"%PDF-1.4 and no more", "cannot be read"),
        ("broken.docx", b"not a zip", "cannot be read"),
        ("empty.txt", b"  \n", "is empty"),
        ("data.txt", b"a\0b", "is binary"),
        ("large.txt", b"a" * 2_000_000, "larger than max_file_mb"),
    ],
)
def test_a_file_that_cannot_be_read_stops_or_is_reported(folder: Path, name: str, raw: bytes, reason: str) -> None:
    ask(folder, {"question": "a?", "answers": ["1"]})
    (folder / name).write_bytes(raw)
    with pytest.raises(InputError, match=reason) as caught:
        load(path=str(folder), max_file_mb=1)
    assert name in str(caught.value)
    corpus = load(path=str(folder), max_file_mb=1, unreadable="skip")
    assert any(note.startswith(f"skipped {name}") and reason in note for note in corpus.notes)


def test_a_locked_pdf_says_so(folder: Path) -> None:
    import pypdf

    ask(folder, {"question": "a?", "answers": ["1"]})
    writer = pypdf.PdfWriter(clone_from=folder / "lighthouse.pdf")
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(folder / "locked.pdf")
    with pytest.raises(InputError, match=r"locked\.pdf: is locked with a password"):
        load(path=str(folder))


def test_links_out_of_the_folder_are_not_followed(folder: Path) -> None:
    (folder.parent / "private.txt").write_text("a secret")
    (folder / "link.txt").symlink_to(folder.parent / "private.txt")
    assert "link.txt" not in {document.document_id for document in ingest(folder).documents}


def test_no_questions_and_no_folder(folder: Path) -> None:
    with pytest.raises(InputError, match=r"add questions\.jsonl to the folder"):
        load(path=str(folder))
    with pytest.raises(InputError, match="no such folder"):
        load(path=str(folder / "nowhere"), questions=str(ask(folder, {"question": "a?", "answers": ["1"]})))


def test_encodings() -> None:
    assert decode("é".encode()) == ("é", "")
    assert decode("é".encode("utf-8-sig")) == ("é", "")
    assert decode("é".encode("utf-16")) == ("é", "utf-16")
    assert decode("é".encode("latin-1")) == ("é", "cp1252")
    mixed = "Café, naïve, ".encode() + "façade".encode("cp1252")
    assert decode(mixed) == ("Café, naïve, façade", "UTF-8 with 1 bytes repaired (cp1252)")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("東京の家の賃料は十万円です。", "shift_jis"),
        ("Дом сдан Анне до весны.", "cp1251"),
        ("Το σπίτι είναι παλιό.", "cp1253"),
    ],
)
def test_text_that_is_no_western_one_is_not_read_as_nonsense(folder: Path, text: str, encoding: str) -> None:
    ask(folder, {"question": "a?", "answers": ["1"]})
    (folder / "foreign.txt").write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match=r"foreign\.txt: is neither UTF-8 nor Windows-1252; say what it is"):
        load(path=str(folder))
    found = ingest(folder, encoding=encoding)
    assert {d.document_id: d.text for d in found.documents}["foreign.txt"] == text
    assert found.repaired["foreign.txt"] == encoding
    with pytest.raises(InputError, match="unknown encoding 'utf-88'"):
        load(path=str(folder), encoding="utf-88")


def test_word_s_lock_files_are_no_documents(folder: Path) -> None:
    (folder / "~$budget.docx").write_bytes(b"owner")
    assert not [skipped for skipped in ingest(folder).skipped if skipped.supported]


def test_many_files_of_one_reason_are_one_note(folder: Path) -> None:
    for number in range(7):
        (folder / f"shot{number}.png").write_bytes(b"x")
    (note,) = (note for note in ingest(folder).notes() if ".png" in note)
    assert note == "skipped picture.png, shot0.png, shot1.png, shot2.png, shot3.png and 3 more: no reader for .png"


def test_reading_pdf_and_word_leaves_logging_alone(folder: Path) -> None:
    """llama-index's readers turn the INFO lines of every library on when they are imported."""
    code = (
        "import logging, sys; from pathlib import Path; from corpora.ingest import ingest; "
        "ingest(Path(sys.argv[1])); root = logging.getLogger(); print(root.level, root.handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.split(None, 1) == ["30", "[]\n"]


def test_a_stray_byte_in_html_is_repaired_and_reported(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes("<p>Café and ".encode() + "façade</p>".encode("cp1252"))
    found = ingest(tmp_path)
    assert found.documents[0].text == "Café and façade"
    assert found.repaired == {"a.html": "UTF-8 with 1 bytes repaired (cp1252)"}
    (tmp_path / "a.html").write_bytes('<meta charset="iso-8859-2"><p>Łódź</p>'.encode("iso-8859-2"))
    found = ingest(tmp_path)
    assert (found.documents[0].text, found.repaired) == ("Łódź", {"a.html": "iso-8859-2"})


def test_a_line_separator_inside_a_json_string_does_not_end_the_row(tmp_path: Path) -> None:
    (tmp_path / "town.txt").write_text("The mill stands.")
    row = {"question": "What\u2028stands\u0085here?", "answers": ["the mill"], "documents": ["town.txt"]}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert len(list(load(path=str(tmp_path)).questions)) == 1


def test_cells_of_a_table_stay_apart(tmp_path: Path) -> None:
    page = "<table><tr><th>Year</th><th>Ships</th></tr><tr><td>1871</td><td><b>12</b></td></tr></table>"
    (tmp_path / "t.html").write_text(page)
    (document,) = ingest(tmp_path).documents
    assert document.text == "Year\tShips\n\n1871\t12"


def test_a_document_may_be_named_by_a_file_of_the_same_text(folder: Path) -> None:
    ask(folder, {"question": "When?", "answers": ["1999"], "document_ids": ["notes/copy.md"], "evidence": ["in 1999"]})
    (question,) = load(path=str(folder), context="named").questions
    assert question.evidence[0].document_id == "notes/cafe.txt"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["question,answers,task", "Question,Answers,Task", "QUESTION,Answer,task"])
def test_csv_of_any_separator_and_case(folder: Path, mark: str, header: str) -> None:
    file = folder.parent / "asked.csv"
    file.write_text(f"{header}\nWhen was it?,1871,date\n".replace(",", mark), encoding="utf-8-sig")
    (question,) = load(path=str(folder), questions=str(file)).questions
    assert (question.text, question.answers, question.task) == ("When was it?", ("1871",), "date")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"question": "a?", "anwsers": ["a"]}, "write 'answers'"),
        ({"question": "a?", "answers": ["a"], "evidences": ["x"]}, "write 'evidence'"),
        ({"question": "a?", "answers": ["a"], "answer": "b"}, "is there twice"),
        ({"question": "a?", "answers": ["a"], "evidence": [" "]}, "line 1, evidence: is blank"),
        ({"question": "a?", "answers": ["z"], "options": ["x", "y"]}, "'z' is none of the options"),
        ({"question": "a?", "answers": ["C"], "options": ["x", "y"]}, "a letter from A to B"),
        ({"question": "half \ud83d", "answers": ["a"]}, "line 1: holds half of a character"),
    ],
)
def test_a_row_that_would_be_misread_is_an_error(folder: Path, row: dict[str, object], told: str) -> None:
    ask(folder, row)
    with pytest.raises(InputError, match=told):
        load(path=str(folder))


def test_labels_that_are_like_no_field_stay_labels(folder: Path) -> None:
    ask(folder, {"question": "a?", "answers": ["X"], "options": ["x", "y"], "hops": 2, "author": "me"})
    (question,) = load(path=str(folder)).questions
    assert (question.metadata["hops"], question.metadata["author"]) == (2, "me")


def test_any_corpus_takes_questions_of_a_file(tmp_path: Path) -> None:
    from workbench.experiment.schema import Entry
    from workbench.experiment.setup import load_corpus

    whole = load_corpus(Entry(name="needle", options={"tokens": 1_000, "depths": 2}))
    one, other = (context.documents[0] for context in whole.contexts.values())
    quoted = other.text[40:80]
    ask(
        tmp_path,
        {"question": "Of one?", "answers": ["a"], "document_ids": [one.document_id]},
        {"question": "Of the other?", "answers": ["a"], "document_ids": [other.document_id], "evidence": [quoted]},
        {"question": "Of both?", "answers": ["a"], "document_ids": [one.document_id, other.document_id]},
    )
    options = {"tokens": 1_000, "depths": 2, "questions": str(tmp_path / "questions.jsonl")}
    corpus = load_corpus(Entry(name="needle", options=options))
    sizes = [[d.document_id for d in corpus.contexts[q.context_id].documents] for q in corpus.questions]
    assert sizes == [[one.document_id], [other.document_id], [one.document_id, other.document_id]]
    assert corpus.fingerprint != whole.fingerprint and corpus.licence == whole.licence
    with pytest.raises(InputError, match="no such questions file"):
        load_corpus(Entry(name="needle", options={**options, "questions": str(tmp_path / "none.jsonl")}))


def test_questions_of_documents_that_share_an_id_are_an_error(tmp_path: Path) -> None:
    from corpora.files import with_questions
    from workbench.records import Context, Corpus, Document

    contexts = [Context((Document("d", "One text."),)), Context((Document("d", "Another."),))]
    ask(tmp_path, {"question": "a?", "answers": ["1"], "document_ids": ["d"]})
    with pytest.raises(InputError, match="several documents of two are called 'd'"):
        with_questions(Corpus.of("two", contexts, []), tmp_path / "questions.jsonl")
