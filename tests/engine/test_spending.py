"""What a run has paid, retries included: in its answers, in the comparison, and after a replay."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

import workbench as wb
from tests.llm.endpoint import Endpoint
from workbench.errors import InputError
from workbench.llm.accounting import Payment
from workbench.llm.cache import ResponseCache


def experiment(endpoint: Endpoint, folder: Path, **changes: Any) -> dict[str, Any]:
    model = {"window": 16_000, "tokenizer": "o200k_base", "price": {"input": 10.0, "output": 30.0}}
    return {
        "name": "spending",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 2, "questions": 6}}],
        "models": [{f"openai/tiny@{endpoint.url}": model}],
        "pipelines": ["full_context"],
        "concurrency": 1,
        **changes,
    }


def test_what_failed_attempts_had_used_is_part_of_the_cost_also_when_it_is_replayed(tmp_path: Path) -> None:
    with Endpoint(script=["cut", "", "500", ""]) as endpoint:
        given = experiment(endpoint, tmp_path)
        assert wb.run(given, progress=False).answered == 6
        again = wb.run({**given, "database": str(tmp_path / "again.duckdb")}, progress=False)
    books = endpoint.books
    assert (books.broken_prompt > 0, again.replayed, again.spent_usd) == (True, 6, 0.0)
    broken = (books.broken_prompt * 10 + books.broken_completion * 30) / 1e6
    billed = (books.billed_prompt * 10 + books.billed_completion * 30) / 1e6
    for name in ("log", "again"):
        log = wb.open(tmp_path / f"{name}.duckdb")
        answers, calls = log.answers(), log.calls()
        assert answers["cost_usd"].sum() == pytest.approx(billed + broken, rel=1e-9)
        assert answers["retry_cost_usd"].sum() == pytest.approx(broken, rel=1e-9)
        assert (answers["retries"].sum(), calls["attempts"].sum()) == (2, 8)
        (row,) = wb.compare(log.path).table.to_dict("records")
        assert row["usd_per_question_paid"] == pytest.approx((billed + broken) / 6, rel=1e-9)
        # failed attempts are bad luck: they are paid, but no part of what the method costs by itself
        assert row["usd_per_question"] == row["usd_per_question_cold"] == pytest.approx(billed / 6, rel=1e-9)
        assert (row["retries"], row["reasks"]) == (2, 0)
        assert row["retry_usd"] == pytest.approx(broken, rel=1e-9)
        assert 0 < row["first_token_p50_s"] <= row["first_token_p95_s"]
        assert row["cached_share"] == 0.0
        assert f"2 (${broken:.4f})" in wb.compare(log.path).format()


def test_a_budget_in_usd_holds_over_all_sessions_and_overspends_by_no_more_than_what_is_in_flight(
    tmp_path: Path,
) -> None:
    with Endpoint() as endpoint:
        given = experiment(endpoint, tmp_path)
        wb.run(given, progress=False, limit=1)
        a_call = wb.open(tmp_path / "log.duckdb").answers()["cost_usd"].sum()
        limited = {**given, "budget": {"usd": 3.5 * a_call}}
        first = wb.run(limited, progress=False)
        assert (first.exit_code, first.answered) == (4, 2)
        assert f", ${a_call:.4f} of it in earlier sessions; the next call costs at least $0.04" in str(first.stopped)
        again = wb.run(limited, progress=False)
        assert (again.exit_code, again.answered, again.kept) == (4, 0, 3)
        assert endpoint.books.requests == 3
        fresh = wb.run({**given, "budget": {"usd": 2.5 * a_call}}, progress=False, fresh=True)
        assert (fresh.exit_code, fresh.answered) == (4, 2)  # asked anew is paid anew, on a budget of its own
        assert wb.run({**given, "budget": {"usd": 100 * a_call}}, progress=False).exit_code == 0
    log = wb.open(tmp_path / "log.duckdb")
    paid = log.sql("SELECT sum(usd), sum(calls) FROM spending").iloc[0]
    books = endpoint.books
    assert paid.iloc[0] == pytest.approx((books.billed_prompt * 10 + books.billed_completion * 30) / 1e6, rel=1e-9)
    assert paid.iloc[1] == books.requests  # also of calls whose answers others have taken the place of


def test_what_failed_attempts_had_used_counts_against_a_budget_of_tokens(tmp_path: Path) -> None:
    with Endpoint(script=["cut", "cut"]) as endpoint:
        given = experiment(endpoint, tmp_path, budget={"tokens": 14_000})  # three prompts of some 4,300 tokens
        given["corpora"] = [
            {"world": {"tokens": 4_000, "contexts": 1, "questions": 6}}
        ]  # the first question goes alone
        done = wb.run(given, progress=False)
    assert (done.exit_code, done.answered, endpoint.books.requests) == (4, 1, 3)


def test_a_budget_of_seconds_ends_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Endpoint() as endpoint:
        # a clock on which a call takes 0.4 s and nothing else takes any time
        clock = SimpleNamespace(monotonic=lambda: 0.4 * endpoint.books.requests)
        monkeypatch.setattr("workbench.experiment.budget.time", clock)
        given = experiment(endpoint, tmp_path, budget={"wall": 1.0})
        given["corpora"] = [{"world": {"tokens": 4_000, "contexts": 1, "questions": 6}}]
        done = wb.run(given, progress=False)
    assert (done.exit_code, done.answered, done.failed) == (4, 3, 0)  # begun after 0, 0.4 and 0.8 s
    assert "budget of 1 s is reached" in str(done.stopped)
    assert list(wb.open(done.database).runs()["status"]) == ["budget"]


@pytest.mark.parametrize("model_options", [{}, {"rpm": 1.0}])
def test_no_pause_outlasts_a_budget_of_seconds(tmp_path: Path, model_options: dict[str, Any]) -> None:
    """Neither one that the server asks for nor one of our own limits."""
    script = ["", "429"] if not model_options else []
    with Endpoint(script=script, retry_after="300") as endpoint:
        given = experiment(endpoint, tmp_path, budget={"wall": 2.0})
        (options,) = given["models"][0].values()
        options |= model_options
        done = wb.run(given, progress=False)
    assert (done.exit_code, done.failed) == (4, 0)
    assert "budget of 2 s is reached" in str(done.stopped)


def test_what_a_killed_session_had_paid_is_known_to_the_next_one_although_its_log_was_not_written(
    tmp_path: Path,
) -> None:
    with Endpoint() as endpoint:
        given = experiment(endpoint, tmp_path)
        wb.run(given, progress=False, limit=2)
    database = tmp_path / "log.duckdb"
    a_call = wb.open(database).answers()["cost_usd"].mean()
    tokens = int(wb.open(database).calls()["prompt_tokens"].mean())
    (session, run_id) = wb.open(database).sql("SELECT session_id, run_id FROM spending").iloc[0]
    # as a kill leaves it: the cache holds a third call, of which the log knows nothing
    with ResponseCache(tmp_path / "responses.sqlite") as cache:
        assert cache.payments([session]) == {}  # a session that has ended has been settled
        for _ in range(3):
            cache.pay(Payment(session, run_id, a_call, tokens))
        cache.pay(Payment("of another log", run_id, 1e6, 10**9))
    with Endpoint() as endpoint:
        again = wb.run({**given, "budget": {"usd": 3.5 * a_call}}, progress=False)
        assert (again.exit_code, again.answered, endpoint.books.requests) == (4, 0, 0)
    assert "in earlier sessions" in str(again.stopped)
    paid = wb.open(database).sql("SELECT sum(calls), sum(usd) FROM spending").iloc[0]
    assert (paid.iloc[0], paid.iloc[1]) == (3, pytest.approx(3 * a_call))


def test_a_budget_in_usd_over_a_model_without_a_price_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        given = experiment(endpoint, tmp_path, budget={"usd": 1.0})
        given["models"] = [{f"server/tiny@{endpoint.url}": {"window": 16_000, "tokenizer": "o200k_base"}}]
        with pytest.raises(InputError, match=r"budget.usd: no price is known for server/tiny.*price_as"):
            wb.run(given, progress=False)
    assert endpoint.books.requests == 0
    assert wb.run({**given, "models": ["extractive"]}, progress=False).exit_code == 0  # costs nothing, truly


def test_a_parameter_that_the_model_refuses_is_told_also_when_its_replies_are_replayed(tmp_path: Path) -> None:
    async def picky(request: web.Request) -> web.Response:
        if "temperature" in await request.json():
            message = "Unsupported value: 'temperature' does not support 0.0 with this model."
            return web.json_response({"error": {"message": message}}, status=400)
        return web.json_response({"choices": [{"message": {"content": "it says so"}}]})

    with Endpoint(handler=picky) as endpoint:
        given = experiment(endpoint, tmp_path)
        assert wb.run(given, progress=False).answered == 6
        again = wb.run({**given, "database": str(tmp_path / "again.duckdb")}, progress=False)
    assert again.replayed == 6
    for name in ("log", "again"):
        log = wb.open(tmp_path / f"{name}.duckdb")
        assert log.calls()["left_out"].tolist() == [["temperature"]] * 6
        said = f"openai/tiny@{endpoint.url}: refuses temperature, so 6 calls were sent without"
        assert said in wb.compare(log.path).notes and said in wb.compare(log.path).format()


def test_a_plan_says_when_its_budget_will_not_do(tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        given = experiment(endpoint, tmp_path)
        needed = wb.plan(given).usd
        assert wb.plan({**given, "budget": {"usd": 10 * needed}}).notes == wb.plan(given).notes
        over = wb.plan({**given, "budget": {"usd": needed / 2, "tokens": 100}}).notes
    assert f"the budget of ${needed / 2:,.4g} will stop the run: about ${needed:,.4g} are needed" in over
    assert any("budget of 100 tokens will stop" in note for note in over)
