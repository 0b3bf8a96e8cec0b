"""Every micro case of the official scorers, exactly; and the two twins of a benchmark's rule."""

from __future__ import annotations

import pytest

from workbench.conformance.cases import MICRO_CASES, MicroCase
from workbench.evaluation.metrics import metric, metrics


@pytest.mark.parametrize("case", MICRO_CASES, ids=lambda case: f"{case.metric}-{case.prediction[:24]!r}")
def test_a_micro_case_scores_as_the_official_code_does(case: MicroCase) -> None:
    value = metric(case.metric)(case.prediction, list(case.references), **case.options)
    assert round(value, case.digits) == case.official


def test_every_metric_stays_within_0_and_1_and_takes_odd_texts() -> None:
    options = {
        "numbers": [1, 2, 3, 4],
        "target": 10,
        "ages": {"Ann": 30, "Bo": 40},
        "options": ("yes", "no"),
        "all_classes": ("yes", "no"),
        "question": "Is it?",
        "candidates": 3,
    }
    tasks = {
        "longbench": "hotpotqa",
        "infinitebench": "passkey",
        "lv_eval": "cmrc_mixup",
        "babilong": "qa1",
        "leval": "quality",
        "scbench": "scbench_kv",
        "ruler": "vt",
    }
    options |= {"relevance": {"1": 1, "2": 0}, "short_answers": [["yes"], ["B"]]}
    options |= {"masks": {"<mask-0>": "yes"}, "gold_passages": [1, 2]}
    options |= {"function": "f", "functions": [["f", "def f(): return 4"], ["g", "def g(x): return x"]]}
    own_gold = {
        "ada_leval_tsort": "[1, 2, 3, 4]",
        "infinitebench_code_run": "4",
        "infinitebench_math_find": "4",
        "infinitebench_math_calc": "4",
        "scbench_math": "4",
        "mathhay": "4",
        "longbio_two_difference": "10",
        **dict.fromkeys(("loogle_lsd", "loogle_lmd", "loogle_sd", "loogle_sdd"), "II, I"),
    }
    for name, function in metrics().items():
        plain = name.removesuffix("_lenient")
        if plain in ("meteor", "loogle_meteor"):  # they need data of nltk that no package carries
            continue
        wanted = {*function.needs, *(("options",) if function.needs_options else ()), *function.reads}  # type: ignore[attr-defined]
        given = {key: value for key, value in {**options, "task": tasks.get(plain, "")}.items() if key in wanted}
        gold = [own_gold.get(plain, "yes"), own_gold.get(plain, "B")]
        for said in ("", "yes", "\n\n", "No. 4 \\boxed{4}", "答案：北京。", "The answer is: A", "\x00", "Answer:"):
            assert 0.0 <= function(said, gold, **given) <= 1.0, (name, said)


@pytest.mark.parametrize(
    ("name", "prediction", "gold", "options", "official", "lenient"),
    [
        ("longbench_v2", "answer: B", "B", {}, 0.0, 1.0),
        ("infinitebench_choice", "Because of it, C", "C", {}, 0.0, 1.0),
        ("infinitebench_math_find", "88.0", "88", {}, 0.0, 1.0),
        ("leval_choice", "According to the text: B", "B", {}, 0.0, 1.0),
        ("babilong", "none", "none", {"task": "qa7", "question": ""}, 0.0, 1.0),
        ("ada_leval_tsort", "Answer: [3]", "[3, 1, 4, 2]", {}, 1.0, 0.0),
        ("nolima_contains", "yuki", "Yuki", {}, 0.0, 1.0),
        ("oolong_synth", "Label: Spam.", "['spam']", {}, 0.0, 1.0),
        ("oolong_real", "7", "7", {}, 0.0, 1.0),
        ("multihop_rag_accuracy", "in the park", "the lake", {}, 1.0, 0.0),
        ("qasper_f1", "The paper does not say.", "Unanswerable", {}, 0.0, 1.0),
        ("locomo", "I do not know.", "", {"category": 5}, 0.0, 1.0),
    ],
)
def test_the_quirk_is_in_the_official_rule_and_not_in_its_lenient_twin(
    name: str, prediction: str, gold: str, options: dict[str, object], official: float, lenient: float
) -> None:
    assert metric(name)(prediction, [gold], **options) == official
    assert metric(f"{name}_lenient")(prediction, [gold], **options) == lenient
