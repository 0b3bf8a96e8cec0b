"""Benchmarks' rules, branch by branch, on examples whose value follows from the rule."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from workbench.evaluation.metrics import longmemeval as lme
from workbench.evaluation.metrics import metric
from workbench.evaluation.metrics._registry import NotApplicable
from workbench.evaluation.metrics.helmet import helmet_parsed, helmet_ranking, ndcg_at, summary_judgement
from workbench.evaluation.metrics.locomo_rules import locomo_recall
from workbench.evaluation.metrics.longproc_search import trip_stays
from workbench.evaluation.metrics.loogle import cloze_counts, reorder_deviations, timeline
from workbench.evaluation.metrics.multi_hop import joint, multihop_rag_retrieval, supporting_facts
from workbench.evaluation.metrics.needles import longbio_base_model, longbio_difference, longbio_idk
from workbench.evaluation.metrics.repoqa import function_of, function_similarity
from workbench.evaluation.metrics.ruler_rules import ruler_text
from workbench.evaluation.metrics.structured_output import countdown_solved, holobench_score, tsv_rows

CASES = [
    # InfiniteBench
    ("infinitebench_digits", "The pass key is 71432. Not 5.", ["71432"], 1.0),
    ("infinitebench_kv", '"a-b": "c-d".', ["c-d"], 1.0),
    ("infinitebench_code_run", "The return value is: `-4`.", ["-4"], 1.0),
    ("infinitebench_code_debug", "B. f", ["f", "B"], 1.0),
    ("infinitebench_code_debug", "The answer is: B", ["f", "B"], 1.0),
    ("infinitebench_code_debug", "I think f is wrong", ["f", "B"], 0.0),
    ("infinitebench_math_find", "It is 3.5", ["3.5"], 1.0),
    ("infinitebench_math_calc", "1, 2, 9", ["1", "2", "3", "4"], 0.5),
    ("infinitebench_dialogue", "nicky.", ["Nicky", "NICKY SANTORO"], 0.0),
    ("infinitebench_dialogue", "nicky.", ["NICKY", "NICKY SANTORO"], 1.0),
    ("infinitebench_choice", "C", ["text", "C"], 1.0),
    ("infinitebench_choice", "the answer is C.", ["text", "C"], 1.0),
    ("infinitebench_choice", "so AB it is", ["text", "AB"], 1.0),
    # L-Eval
    ("leval_choice", "The answer is (C) because", ["C"], 1.0),
    ("leval_choice", "", ["A"], 0.0),
    ("leval_choices", "AB", ["ABD"], 0.25),
    ("leval_choices", "A. one B. two D. three", ["ABD"], 1.0),
    ("leval_choices", "nothing fits", ["A"], 1.0),
    ("leval_gsm", "... The answer is $1,250.00 .", ["1250"], 1.0),
    ("leval_gsm", "It makes 18 dollars\n\nOr 20", ["18"], 1.0),
    ("leval_code", "the final output of the code will be: [6 15]", ["[6 15]"], 1.0),
    ("leval_topic", "It was 'The Role of Art'", ["the role of art"], 1.0),
    ("leval_sci_fi", "True [fact: False]", ["True [fact: True]"], 0.5),
    ("leval_sci_fi", "True", ["True [fact: True]"], 0.5),
    # LoCoMo, multi-hop, long documents
    ("hotpotqa_f1", "yes it is", ["yes"], 0.0),
    ("hotpotqa_f1", "yes.", ["Yes"], 1.0),
    ("musique_f1", "the", ["a"], 1.0),
    ("multihop_rag_accuracy", 'So: The answer to the question is "Yes"', ["yes"], 1.0),
    ("qasper_f1", "Yes", ["Unanswerable", "Yes"], 1.0),
    ("novelqa_choice", " B ", ["B"], 1.0),
    ("nolima_last_line_contains", "Not Ada.\nBo.", ["Bo"], 1.0),
    ("nolima_last_line_exact", "Not Ada.\nBo", ["Bo"], 1.0),
    # RULER, HELMET, SCBench, L-CiteEval
    ("ruler_match_all", "a\x001234567", ["1234567", "A", "z"], 2 / 3),
    ("helmet_sub_em", "Answer: Parisian", ["Paris"], 1.0),
    ("helmet_exact", "Well.\nanswer: Paris\nBecause", ["Paris"], 1.0),
    ("helmet_label", "label: 17", ["17"], 1.0),
    ("helmet_exact", "Paris\nbecause", ["Paris"], 1.0),
    ("scbench_variables", "abc xyz", ["ABC", "QRS", "TUV"], 0.33),
    ("scbench_variables_lenient", "abc xyz", ["ABC", "QRS", "TUV"], 1 / 3),
    ("scbench_math", "about 7.9", ["7.9"], 1.0),
    ("helmet_choice", "I say B. the mill", ["B", "the mill"], 1.0),
    ("scbench_substring", "xx c-d-e", ["c-d"], 1.0),
    ("scbench_any_label", "it is paris", ["Paris"], 1.0),
    ("scbench_math", "about 7.9", ["7"], 1.0),
    ("l_citeeval_qa", "Paris [1][2]\nbecause", ["Paris"], 1.0),
    ("l_citeeval_stars", 'so {"little_penguin": [3, 5], "passage_id": [1]}', ["[3, 5, 7, 9]"], 0.5),
    ("l_citeeval_stars", '{"little_penguin": [3, 3]}', ["[3, 5]"], 1.0),
    ("l_citeeval_stars_lenient", '{"little_penguin": [3, 3]}', ["[3, 5]"], 0.5),
    ("l_citeeval_summary", "Summary:\nIt rained [1].\nMore", ["It rained."], 1.0),
    ("l_citeeval_summary", "A summary of rain", ["A summary of rain"], 0.0),
    ("l_citeeval_needle", "the cat [3]\nsat", ["the cat sat down"], 0.5),
    # needles
    ("needle_keyword_share", "figs and cheese", ["figs", "prosciutto"], 0.5),
    ("thread_exact", "'c-d'", ["c-d"], 1.0),
    ("thread_all", "a, b", ["a", "c"], 0.0),
    ("thread_share", "a, b", ["a", "c"], 0.5),
    ("longbio", "First Ada, then Bo.", ["Ada", "bo"], 1.0),
    ("longbio", "Bo, then Ada.", ["Ada", "Bo"], 0.0),
    ("longbio", "30 - 25 = 5", ["5"], 1.0),
    ("longbio", "0", ["0"], 0.0),
    ("sort_accuracy", "Segment A", ["A"], 1.0),
    ("sort_accuracy", "A or B", ["A"], 0.0),
    # structured output
    ("longproc_table", "```tsv\nn\tv\nB x\t1\nD\t2\n```", ["n\tv\nbx\t1\nC\t3"], 0.5),
    ("longproc_route", "<Route>\nFrom A, take a bus to B.\n</Route>", ["From A, take a bus to B."], 1.0),
    ("longproc_route", "From A, take a bus to B.", ["From A, take a bus to B."], 0.0),
    ("longproc_route_lenient", "From A, take a bus to B.", ["From A, take a bus to B."], 1.0),
    ("longproc_route_partial", "<Route>a\nx</Route>", ["a\nb\nc\nd"], 0.5),
    ("longproc_route_partial_lenient", "a\nx", ["a\nb\nc\nd"], 0.25),
    ("longproc_route_partial", "<Route>a\nb</Route>", ["a\nb\nc\nd"], 0.5),
    ("longproc_steps", "- Step 1: thinking\n- Step 0: x\n- Step 1: It’s y", ["- Step 0: x\n- Step 1: its y"], 1.0),
    ("longproc_steps", "- Step 1: The box is in a bag", ["- Step 1: box bag."], 1.0),
    ("longproc_steps_partial", "- Step 1: x\n- Step 2: y", ["- Step 1: x\n- Step 2: z"], 0.5),
    ("ethic_recall_f1", "Ada; Bo.", ["ada, cy"], 0.5),
    ("ethic_recall_f1", "Ada; Bo.", ["Ada", "Cy"], 0.5),
    ("ethic_recall_f1", "Ada;", ["ada"], 2 / 3),
    ("ethic_attribution_f1", "Related Segments: 3\nSegment 9 is not.", ["Segment 3"], 1.0),
    ("ethic_order", "2, 1, 3", ["1, 2, 3"], 2 / 3),
    ("ethic_attribution_f1", "In 1907. Core IDs: 3, 4", ["3"], 2 / 3),
    ("kg_qa_f1", "5.0%", ["50"], 1.0),
    ("kg_qa_edit_similarity", "abcd", ["abcx"], 0.75),
    ("mathhay", '{"reasoning": "", "answer": 1,250.5}', ["1250.5"], 1.0),
    ("mathhay", "I cannot say", ["7"], 1.0),
    ("mathhay_lenient", "I cannot say", ["7"], 0.0),
    # LooGLE
    ("loogle_bleu1", "the cat sat", ["the cat ran"], 2 / 3),
    ("loogle_rouge1", "the cat", ["the cat sat down"], 0.5),
]


@pytest.mark.parametrize(("name", "prediction", "references", "expected"), CASES)
def test_the_rule_gives(name: str, prediction: str, references: list[str], expected: float) -> None:
    assert metric(name)(prediction, references) == pytest.approx(expected)


def test_a_benchmark_without_the_task_says_which_it_has() -> None:
    with pytest.raises(NotApplicable, match="has no task 'qa'; it has passkey, number_string"):
        metric("infinitebench")("x", ["y"], task="qa")
    assert metric("longbench")("a b", ["a b"], task="LongBench/hotpotqa_e") == 1.0


def test_few_shot_tasks_look_at_the_first_line_only() -> None:
    assert metric("longbench")("\nParis\nQuestion: more", ["Paris"], task="triviaqa") == 1.0
    assert metric("longbench")("\nParis\nQuestion: more", ["Paris"], task="hotpotqa") == 0.5
    assert metric("longbench")("Paris", ["Paris"], task="HotpotQA") == 1.0


def test_a_class_after_a_removed_one_is_skipped_officially() -> None:
    # "no" and "not" both stand in the gold "nothing"; removing "no" moves "not" into its place, unseen
    options = {"all_classes": ["no", "not", "nothing"]}
    assert metric("longbench_classification")("nothing", ["nothing"], **options) == 0.5
    assert metric("longbench_classification_lenient")("nothing", ["nothing"], **options) == 1.0


def test_lv_eval_scores_the_first_reference_only() -> None:
    assert metric("lv_eval")("Paris", ["London", "Paris"], task="factrecall_en_16k") == 0.0
    assert metric("lv_eval_lenient")("Paris", ["London", "Paris"], task="factrecall_en_16k") == 1.0


def test_longmemeval_turns_are_ranked_as_sessions() -> None:
    turns = ["s1_1", "s1_2", "s2_1", "s3_1"]
    assert lme.session_depth(turns, 2) == 3
    scores = lme.turn_ranking_scores(turns, ["s2_9"], 2)
    # the second session stands at the third turn: 1 / log2(3) of what the first rank would give
    assert scores == pytest.approx({"recall_any": 1.0, "recall_all": 1.0, "ndcg_any": 0.6309297535714574})
    assert lme.recall_all(["a", "b"], ["a", "c"], 2) == 0.0
    assert lme.ndcg_any(["x", "a"], ["a"], 2) == 1.0  # ranks 1 and 2 weigh the same


def test_locomo_recall_counts_turns_or_sessions() -> None:
    assert locomo_recall(["D1:3"], ["D1:4"]) == 0.0
    assert locomo_recall(["D1:3"], ["D1:4"], sessions=True) == 1.0
    assert locomo_recall([], []) == 1.0


def test_supporting_facts_and_joint_scores() -> None:
    assert supporting_facts([("A", 0)], [("A", 0)]) == (1.0, 1.0, 1.0, 1.0)
    precision, recall, f1 = joint((0.5, 1.0, 2 / 3), (1.0, 0.5, 2 / 3))
    assert (precision, recall, f1) == (0.5, 0.5, 0.5)


def test_multihop_rag_retrieval_finds_facts_verbatim() -> None:
    found = multihop_rag_retrieval(
        ["nothing", "so  the mill\nburned here", "the sea rose"], ["the mill burned", "sea rose"]
    )
    assert found == pytest.approx({"hits@4": 1.0, "hits@10": 1.0, "map@10": (1 / 2 + 1 / 3) / 2, "mrr@10": 0.5})


def test_ruler_s_reading_of_a_reply() -> None:
    assert ruler_text(" a\x00b\tc \n") == "a\nb\nc"


def test_rulers_question_answering_needs_one_reference_and_the_others_all() -> None:
    for task, value in (("qa_1", 1.0), ("ruler/qa_2", 1.0), ("niah_multiquery", 0.5), ("vt", 0.5)):
        assert metric("ruler")("It is b.", ["B", "z"], task=task) == value


def test_needle_figures() -> None:
    assert longbio_difference("Ada and Bo", {"Ada": 30, "Bo": 25, "Cy": 1}, 5) == 1.0
    assert longbio_difference("Ada and Bo", {"Ada": 30, "Bo": 30}, 0) == 0.0
    assert longbio_difference("Ada and Bo", {"Ada": 30, "Bo": 30}, 0, official=False) == 1.0
    assert longbio_idk("The answer is not stated.", 1.0) == 1.0
    assert longbio_base_model("Paris") == "Pari"  # the official cut


def test_loogle_cloze_and_timelines() -> None:
    assert cloze_counts("no mapping", {"<mask-0>": "Ada"}) == (0, 0, 1)
    assert timeline("Event III comes first, then I, in 1965, and II.") == [2, 0, 1]
    assert timeline("XIV, IX") == [13, 8]
    same, reverse = reorder_deviations([0, 1, 2], [0, 1, 2]), reorder_deviations([2, 1, 0], [0, 1, 2])
    assert same == {"lsd": 0.0, "lmd": 0.0, "sd": 0.0, "sdd": 0.0}
    assert reverse == {"lsd": 1.0, "lmd": 1.0, "sd": 0.5, "sdd": 1.0}
    assert reorder_deviations([0, 0, 1], [0, 1, 2]) is None


def test_helmet_figures() -> None:
    assert helmet_parsed("no prefix\nmore") == "no prefix"
    assert helmet_parsed("Answer: answer: Paris") == "Paris"
    assert helmet_ranking("Ranking: [ID3] > [ID1] > ID2 > 3, or 4 > 5") == ["3", "1", "2"]
    assert helmet_ranking("none") == []
    # grades 2, 0, 1 against the best order 2, 1, 0
    assert ndcg_at(["a", "b", "c"], {"a": 2, "c": 1}) == pytest.approx((2 + 1 / 2) / (2 + 1 / 1.584962500721156))
    assert summary_judgement(1, 3, 4, 2, 4) == pytest.approx(2 * 0.75 * 0.5 / 1.25)


COUNTDOWN = """# Search Procedure
Initial number set: [2, 3, 4], target: 9.
 |- Pick two numbers (2, 3)
  |- Try 3 + 2 = 5. Add 5
   |- Try 5 + 4 = 9. drop this branch
   |- Try 5 - 4 = 1. drop this branch

Now we have found the target"""
TRIP = """<Solving Procedure>
Read the requirements.
Try A from Day 1.
Yes.
</Solving Procedure>
<Plan>
**Day 1-3:** Arriving in A and visit A for 3 days.
**Day 3:** Fly from A to B.
**Day 3-7:** Visit B for 5 days.
</Plan>"""


@pytest.mark.parametrize(
    ("reply", "official", "lenient"),
    [
        (COUNTDOWN.partition("\n\nNow")[0], 3 / 4, 1.0),  # officially the last line never counts
        (COUNTDOWN.replace("3 + 2 = 5", "3 + 2 = 6"), 3 / 4, 1.0),  # results do not matter, only what is tried
        (COUNTDOWN.replace("5 - 4", "5 * 4"), 3 / 4, 3 / 4),
        (COUNTDOWN.replace("= 9. drop this branch", "= 9. target found!"), 2 / 4, 2 / 4),
        (COUNTDOWN.replace("Pick two numbers (2, 3)", "Pick two numbers (2,3)"), 0.0, 0.0),
        (COUNTDOWN.replace("[2, 3, 4]", "[2, 4, 3]"), 0.0, 0.0),
        ("# Search Procedure\nInitial number set: [2, 3, 4], target: 9.", 0.0, 0.0),  # officially -1/4
        ("# Search Procedure\nInitial number set: [2, 3, 4], target: 9.\n |- Pick two numbers (2, 3)", 0.0, 1 / 4),
        (COUNTDOWN.replace("# Search Procedure", ""), 0.0, 0.0),
        ("<Solution>3 + 2 = 5\n5 + 4 = 9\n9 * 1 = 9</Solution>", 1.0, 1.0),
        ("", 0.0, 0.0),
    ],
)
def test_countdown_s_partial_score(reply: str, official: float, lenient: float) -> None:
    options = {"numbers": [2, 3, 4, 1], "target": 9}
    assert metric("longproc_countdown_partial")(reply, [COUNTDOWN], **options) == pytest.approx(official)
    assert metric("longproc_countdown_partial_lenient")(reply, [COUNTDOWN], **options) == pytest.approx(lenient)


@pytest.mark.parametrize(
    ("reply", "strict", "official", "lenient"),
    [
        (TRIP, 1.0, 1.0, 1.0),
        (TRIP.replace("Fly from A to B.", "Fly from A to B.\n**Day 7:** Fly from B to C."), 1.0, 1.0, 1.0),  # more
        ("<Plan>**Day 1-3:** In A.\n**Day 3:** Fly from A to B.\n**Day 3-7:** In B.</Plan>", 1.0, 1.0, 1.0),
        ("<Plan>**Day 1-3:** In A.\n**Day 4:** Fly from A to B.\n**Day 4-7:** In B.</Plan>", 0.0, 0.0, 0.0),
        ("**Day 1-3:** In A.\n**Day 3:** Fly from A to B.\n**Day 3-7:** In B.", 0.0, 0.0, 1.0),  # no marks
        # gold: 10 lines of procedure and plan; two agree, the third does not
        ("<Solving Procedure>\nSo: read the requirements!\nTry C from Day 1.\nYes.", 0.0, 2 / 10, 2 / 10),
        ("<Solving Procedure>\nRead the requirements.", 0.0, 1 / 10, 2 / 10),
        ("", 0.0, 0.0, 0.0),
    ],
)
def test_trips(reply: str, strict: float, official: float, lenient: float) -> None:
    assert metric("longproc_trip")(reply, [TRIP]) == strict
    assert metric("longproc_trip_partial")(reply, [TRIP]) == pytest.approx(official)
    assert metric("longproc_trip_partial_lenient")(reply, [TRIP]) == pytest.approx(lenient)


def test_trips_are_read_as_natural_plan_reads_them() -> None:
    assert trip_stays("A trip to European cities for 7 days:\n" + TRIP + "\nOr: **Day 2:** from B to A, 2-9") == [
        ("A", 3), ("B", 5),
    ]  # fmt: skip
    assert trip_stays("Day 2 or Day 3: from A to B, then from B to C\n1-9") == [("B", 3), ("C", 7)]
    assert trip_stays("Day 3: from A to B") == trip_stays("1-3") == trip_stays("from A to B\n1-3") == []
    assert trip_stays("Day 1 " * 20_000 + "from x " * 20_000) == []  # at once


def bleu_by_hand(said: str, wanted: str) -> float:
    """Sentence BLEU by its formula, for texts in which every order of n-grams has a match."""
    a, b = said.split(), wanted.split()
    log = 0.0
    for n in range(1, 5):
        ours = Counter(tuple(a[i : i + n]) for i in range(len(a) - n + 1))
        theirs = Counter(tuple(b[i : i + n]) for i in range(len(b) - n + 1))
        log += math.log((ours & theirs).total() / max(1, ours.total())) / 4
    return math.exp(log) * (1.0 if len(a) >= len(b) else math.exp(1 - len(b) / len(a)))


def test_functions_are_compared_by_sentence_bleu() -> None:
    wanted = "def f(x): return x + one + two + three"
    for said in (wanted, "def f(x): return x + one + two", "def g(x): return x + one + two + three", wanted + " end"):
        assert function_similarity(said, wanted) == pytest.approx(bleu_by_hand(said, wanted))
    assert function_similarity("a  b\n c d", "a b c d") == 1.0  # white space is no matter
    assert function_similarity("", wanted) == 0.0


def test_the_function_of_a_reply() -> None:
    assert function_of("```\nfn f() {}\n```\n```\nfn g() {}\n```", "rust") == "fn f() {}\n"  # the first block
    assert function_of("```python\nx = 1\n```\n```python\nasync def g():\n    pass\n```", "python") == (
        "async def g():\n    pass"
    )
    assert function_of("```python\n  def f(): return 1\n```", "python") == "def f(): return 1"  # a method's indent
    assert function_of("```python\ndef f(:\n```", "python") == "def f(:\n"  # cannot be parsed: the block
    assert function_of(" def f(): pass ", "python") == "def f(): pass"
    assert function_of("```python\n" + "(" * 10_000 + "\n```", "python").startswith("(")


def test_structured_figures() -> None:
    assert tsv_rows("n\tv\nA\t1\nB") == [("", "1")]  # the broken last row is dropped; "a" is an article
    assert tsv_rows('n\tv\n\nB\t"2"') == [("na", "na"), ("b", "2")]
    assert tsv_rows("n\tn\nB\t2") is None
    assert countdown_solved("<Solution>9 + 6 = 15\n15 + 16 = 31\n31 - 18 = 13</Solution>", [9, 16, 6, 18], 13)
    assert not countdown_solved("<Solution>9 + 9 = 18\n18 + 6 = 24\n24 - 16 = 8</Solution>", [9, 16, 6, 18], 8)
    assert not countdown_solved("9 + 6 = 15", [9, 6], 15)
    assert holobench_score(["Exact Match", "Partial Match", "No Match"]) == 0.5


@pytest.mark.parametrize(
    ("name", "reply", "gold", "options", "value"),
    [
        ("oolong_synth", " " * 25, ["spam"], {}, 0.0),
        ("mathhay", '{"reasoning": "", "answer": 1.5e6}', ["1500000"], {}, 1.0),
        ("mathhay", '{"answer": 1.5e6}', ["1.5"], {}, 0.0),
        ("mathhay", "2.5e-3", ["0.0025"], {}, 1.0),
        ("mathhay_parsed", "no idea", ["1"], {}, 0.0),
        ("longproc_table", "a\tb\n" + "x" * 200_000 + "\ty", ["a\tb\n1\t2"], {}, 0.0),
        ("ethic_order", "[01, 2]", ["[1, 2]"], {}, 1.0),
        ("ethic_attribution_f1", "Core IDs: 07, 8", ["7", "8"], {}, 1.0),
        ("longbench", "Ann\nor Bo", ["Ann"], {"task": "qasper/triviaqa"}, 1.0),
        ("longbench", "Ann\nor Bo", ["Ann"], {"task": "triviaqa/qasper"}, 0.5),
        ("nq_open", "the Parisian way", ["Paris"], {}, 1.0),
        ("nq_open_lenient", "the Parisian way", ["Paris"], {}, 0.0),
        ("nq_open", "I think so.\nParis", ["Paris"], {}, 0.0),
        ("nocha", "The claim is FALSE.", ["FALSE"], {}, 1.0),
        ("nocha", "It is true that it may be false", ["TRUE"], {}, 0.0),
        ("loogle_cloze", "{'<mask-0>': 'Ann Hale'}", [], {"masks": {"<mask-0>": "Ann", "<mask-1>": "Bo"}}, 0.0),
        ("loogle_cloze_partial", "{'<mask-0>': 'Ann Hale'}", [], {"masks": {"<mask-0>": "Ann", "<mask-1>": "B"}}, 0.5),
        ("loogle_cloze_lenient", "So: {'<mask-0>': 'Ann'}", [], {"masks": {"<mask-0>": "Ann"}}, 1.0),
        ("kg_qa_cosine", "the rate is ten", ["the rate is ten"], {}, 1.0),
        ("kg_qa_cosine", "?", ["!"], {}, 0.0),
    ],
)
def test_rules_at_their_edges(name: str, reply: str, gold: list[str], options: dict[str, object], value: float) -> None:
    assert metric(name)(reply, gold, **options) == pytest.approx(value)
