"""What a language model is asked to judge, and how its verdict is read. Wordings are ours; the criteria are those of
the benchmarks named. A prompt's id, with its version, is stored with every verdict: a new wording is a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.errors import UnknownName


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """One task of a judge. `parts` are the pieces of data it is shown, in order; `labels` map what it may say to values
    from 0 to 1; a `rating` (lowest, highest) is an integer instead, worth its share of the highest."""

    prompt_id: str
    instruction: str
    parts: tuple[str, ...]
    labels: Mapping[str, float] = field(default_factory=dict)
    rating: tuple[int, int] | None = None
    source: str = ""

    def choices(self) -> str:
        """What the verdict may be, in words."""
        if self.rating:
            return f"an integer from {self.rating[0]} to {self.rating[1]}"
        return ", ".join(self.labels)

    def value(self, verdict: str) -> float | None:
        """The value of a verdict's first word, None when it is none of the choices.

        >>> JudgePrompt("x/1", "", (), {"correct": 1.0, "incorrect": 0.0}).value("Incorrect.")
        0.0
        """
        word = verdict.strip().split()[0].strip(".,;:*\"'[]()").lower() if verdict.strip() else ""
        if self.rating is None:
            return self.labels.get(word)
        low, high = self.rating
        word = word.partition("/")[0]  # "3/5"
        if not word.isdecimal() or not low <= int(word) <= high:
            return None
        return int(word) / high


_RIGHT_WRONG = {"correct": 1.0, "incorrect": 0.0}
_YES_NO = {"yes": 1.0, "no": 0.0}
_ANSWERS = ("question", "reference answers", "answer")


def _longmemeval(kind: str, rule: str, parts: tuple[str, ...] = _ANSWERS) -> JudgePrompt:
    return JudgePrompt(
        f"longmemeval_{kind}/1", rule, parts, _RIGHT_WRONG, source="LongMemEval's judge, by question type"
    )


_SAME_CONTENT = (
    "Is the answer correct? It is when it holds what one of the reference answers says, in whatever words, or a step "
    "of reasoning that arrives there. It is not when it holds only a part of it."
)

PROMPTS: Mapping[str, JudgePrompt] = {
    prompt.prompt_id: prompt
    for prompt in (
        JudgePrompt(
            "correctness/1",
            "Is the answer correct? It is when it says the same as one of the reference answers, in whatever words and "
            "with whatever harmless additions. It is not when it contradicts them, leaves out what was asked for, or "
            "hedges between several answers. When the reference says that the question cannot be answered, the answer "
            "is correct exactly when it says so too.",
            _ANSWERS,
            _RIGHT_WRONG,
        ),
        JudgePrompt(
            "graded/1",
            "How much of what the reference answers say does the answer say? correct: all that was asked for, nothing "
            "wrong. partial: some of it, or all of it beside something wrong. incorrect: none of it.",
            _ANSWERS,
            {"correct": 1.0, "partial": 0.5, "incorrect": 0.0},
        ),
        _longmemeval("default", _SAME_CONTENT),
        _longmemeval(
            "temporal",
            _SAME_CONTENT + " Where a number of days, weeks or months is asked for, being off by one is no mistake.",
        ),
        _longmemeval(
            "update",
            "Is the answer correct? The reference is the newest state of something that changed. The answer is correct "
            "when it gives that newest state, also when it mentions an older one beside it.",
        ),
        _longmemeval(
            "preference",
            "Does the answer meet the rubric? It does when it remembers and uses what the user said about themselves "
            "as the rubric asks; it need not meet every point of it.",
            ("question", "rubric", "answer"),
        ),
        _longmemeval(
            "abstention",
            "The question cannot be answered; the explanation says why. Is the answer correct? It is when it says that "
            "the question cannot be answered, or that what it supposes is not known, even if it adds other facts.",
            ("question", "explanation", "answer"),
        ),
        JudgePrompt(
            "lara/1",
            "Does the answer agree with the reference answer on what the question asks? Numbers, names and dates must "
            "be the same, units and wording may differ.",
            _ANSWERS,
            _RIGHT_WRONG,
            source="LaRA's judge for location, reasoning and comparison",
        ),
        JudgePrompt(
            "lara_hallucination/1",
            "The reference says that the text does not mention what the question asks. Does the answer say so too? It "
            "is correct when it does and incorrect when it answers the question as if the text did.",
            _ANSWERS,
            _RIGHT_WRONG,
            source="LaRA's judge for hallucination",
        ),
        JudgePrompt(
            "loong/1",
            "Rate the answer against the reference from 1 to 100, for being right (no false or invented statement) and "
            "for being complete. 100 is only for an answer that is wholly right and complete.",
            _ANSWERS,
            rating=(1, 100),
            source="Loong",
        ),
        JudgePrompt(
            "needle/1",
            "Rate how well the answer gives what the reference says. 1: it has nothing to do with it. 3: a little, "
            "with much that is not asked. 5: some of it, with gaps. 7: most of it. 10: all of it, and nothing wrong.",
            _ANSWERS,
            rating=(1, 10),
            source="Needle in a haystack",
        ),
        JudgePrompt(
            "literaryqa/1",
            "Rate the answer against the reference. 1: wrong or off the point. 2: a little right. 3: partly right. 4: "
            "right with small flaws. 5: right and complete, as good as the reference.",
            _ANSWERS,
            rating=(1, 5),
            source="LiteraryQA",
        ),
        JudgePrompt(
            "helmet_fluency/1",
            "Is the answer fluent: whole sentences or phrases that can be read, without repetition or broken off text?",
            ("answer",),
            {"yes": 1.0, "no": 0.0},
            source="HELMET, fluency of long answers",
        ),
        JudgePrompt(
            "helmet_correctness/1",
            "Rate the answer against the reference answers. 0: wrong. 1: partly right. 2: right, with additions that "
            "are not in the reference. 3: right, complete and to the point.",
            _ANSWERS,
            rating=(0, 3),
            source="HELMET, correctness of long answers",
        ),
        JudgePrompt(
            "support/2",
            "The statement is part of an answer to the question. Do the passages support it? full: all of it can be "
            "read from them. partial: more than half of it can. none: little or nothing of it can, or they contradict "
            "it.",
            ("question", "statement", "passages"),
            {"full": 1.0, "partial": 0.5, "none": 0.0},
            source="LongBench-Cite, citation recall",
        ),
        JudgePrompt(
            "relevance/2",
            "The statement is part of an answer to the question. Does the passage bear on it: does it state some of "
            "what the statement says, or the facts that it follows from?",
            ("question", "statement", "passage"),
            {"relevant": 1.0, "unrelevant": 0.0},
            source="LongBench-Cite, citation precision",
        ),
        JudgePrompt(
            "entailment/1",
            "Can all that the statement says be read from the passages? yes: all of it. no: some of it is not there, "
            "or they contradict it.",
            ("statement", "passages"),
            _YES_NO,
            source="ALCE, where a model of entailment decides (TRUE)",
        ),
        JudgePrompt(
            "need_citation/1",
            "The statement is part of an answer about a text and cites nothing. Does it state facts of the text, so "
            "that it needs a citation? It needs none when it only leads over, sums up what was cited before, or speaks "
            "about the answer itself.",
            ("question", "answer", "statement"),
            {"yes": 0.0, "no": 1.0},
            source="LongBench-Cite, statements without citation: what needs one is worth nothing",
        ),
        JudgePrompt(
            "longcite/1",
            "Rate the answer against the reference answers from 1 to 10, for being right and complete. 10: all of it "
            "is right and nothing is missing. 1: wrong or off the point.",
            _ANSWERS,
            rating=(1, 10),
            source="LongBench-Cite, correctness of answers",
        ),
        JudgePrompt(
            "helmet_key_point/1",
            "Does the summary hold the key point? It does when what the key point says can be read from it.",
            ("key point", "answer"),
            _YES_NO,
            source="HELMET, recall of a summary's key points",
        ),
        JudgePrompt(
            "helmet_sentence/1",
            "Does the reference summary support the sentence? It does when nothing in the sentence goes beyond it or "
            "against it.",
            ("reference answers", "sentence"),
            _YES_NO,
            source="HELMET, precision of a summary's sentences",
        ),
        JudgePrompt(
            "loogle/1",
            "Do the answer and the reference answer say the same about the question? Wording and harmless additions "
            "may differ, numbers, names and dates may not.",
            _ANSWERS,
            {"true": 1.0, "false": 0.0},
            source="LooGLE, questions",
        ),
        JudgePrompt(
            "loogle_summary/1",
            "Rate the summary against the reference summary from 0 to 100, for agreeing with it in meaning, for "
            "holding what it holds, and for being readable.",
            _ANSWERS,
            rating=(0, 100),
            source="LooGLE, summaries",
        ),
        JudgePrompt(
            "mathhay/1",
            "The question asks for a number. Is the answer's final result the same number as the reference's, apart "
            "from how it is written (units, separators, rounding of the last digit)?",
            _ANSWERS,
            _YES_NO,
            source="MathHay, where the numbers are not equal to the last digit",
        ),
        JudgePrompt(
            "kg_qagen/1",
            "Rate the answer against the reference answers from 1 to 5. 1: wrong. 2: mostly wrong. 3: about half of "
            "what is asked for. 4: right with a small slip or gap. 5: right and complete, and nothing else.",
            _ANSWERS,
            rating=(1, 5),
            source="KG-QAGen",
        ),
        *(
            JudgePrompt(
                f"ethic_{name}/1",
                f"Rate the summary of this section of the text from 1 to 5 for {told}.",
                ("section", "answer"),
                rating=(1, 5),
                source=f"ETHIC, {name} of a section's summary (a missing section is worth nothing)",
            )
            for name, told in (
                (
                    "consistency",
                    "consistency: its statements fit together and contradict neither each other nor the section",
                ),
                ("faithfulness", "faithfulness: all that it says stands in the section, nothing is made up"),
                ("relevance", "relevance: it holds what matters in the section and leaves out what does not"),
            )
        ),
        JudgePrompt(
            "novelqa/1",
            "Is the answer to the question about the novel correct? It is when it says what the reference answer says; "
            "names may be shortened and wording may differ.",
            _ANSWERS,
            _RIGHT_WRONG,
            source="NovelQA, generative form",
        ),
        JudgePrompt(
            "coverage/1",
            "Does one of the numbered bullets say what the insight says? full: one bullet says all of it. partial: one "
            "bullet says some of it. none: no bullet does. After full or partial, write the number of that bullet.",
            ("insight", "bullets"),
            {"full": 1.0, "partial": 0.5, "none": 0.0},
            source="SummHay, coverage",
        ),
        JudgePrompt(
            "row/1",
            "A table was asked for. Does the answer hold this row of it? exact: with all its values. partial: with "
            "some of them. none: not at all.",
            ("question", "row", "answer"),
            {"exact": 1.0, "partial": 0.5, "none": 0.0},
            source="HoloBench",
        ),
    )
}

PAIRWISE = JudgePrompt(
    "pairwise/1",
    "Which of the two answers to the question is better: more right, more complete, and without what was not asked? "
    "Length and style are no merit, and neither is standing first. When both are equally good or bad, say tie.",
    ("question", "reference answers", "first answer", "second answer"),
    {"first": 1.0, "tie": 0.5, "second": 0.0},
)


def judge_prompt(prompt_id: str) -> JudgePrompt:
    """The prompt of that id; without a version, the newest. Raises UnknownName."""
    if prompt_id in PROMPTS:
        return PROMPTS[prompt_id]
    versions = [name for name in PROMPTS if name.partition("/")[0] == prompt_id]
    if not versions:
        raise UnknownName("judge prompt", prompt_id, list(PROMPTS))
    return PROMPTS[max(versions, key=lambda name: int(name.partition("/")[2]))]


def longmemeval_prompt(question_type: str, question_id: str = "") -> JudgePrompt:
    """The prompt for a LongMemEval question; an id that ends in `_abs` is an abstention question, and so is one of the
    type `abstention`, as generated histories have it.

    >>> longmemeval_prompt("temporal-reasoning").prompt_id
    'longmemeval_temporal/1'
    """
    if question_id.endswith("_abs") or question_type == "abstention":
        return judge_prompt("longmemeval_abstention")
    kinds = {
        "temporal-reasoning": "temporal",
        "knowledge-update": "update",
        "single-session-preference": "preference",
    }
    return judge_prompt(f"longmemeval_{kinds.get(question_type, 'default')}")
