"""The schema of the run log as numbered steps. A step is never changed once released; a new one is added.

Rows are the nouns of `workbench.records`: times in seconds, money in USD, tokens as integers, lists and maps as JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Connection = Any  # duckdb's, which only workbench.runlog.connection opens


def m001_nouns(connection: Connection) -> None:
    """Experiments, runs, contexts, questions, builds, answers, hits, calls, texts, scores."""
    connection.execute("""
        CREATE TABLE experiments (experiment_id VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, config JSON NOT NULL,
            created_at TIMESTAMP NOT NULL, workbench_version VARCHAR NOT NULL);
        CREATE TABLE runs (run_id VARCHAR PRIMARY KEY, pipeline VARCHAR NOT NULL, method VARCHAR NOT NULL,
            config JSON NOT NULL, model VARCHAR NOT NULL, model_options JSON, price JSON, corpus VARCHAR NOT NULL,
            corpus_version VARCHAR, corpus_fingerprint VARCHAR NOT NULL, seed BIGINT, status VARCHAR NOT NULL,
            questions_planned BIGINT, started_at TIMESTAMP, finished_at TIMESTAMP, wall_s DOUBLE,
            workbench_version VARCHAR, environment JSON);
        CREATE TABLE experiment_runs (experiment_id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, position BIGINT,
            baseline BOOLEAN NOT NULL, PRIMARY KEY (experiment_id, run_id));
        CREATE TABLE contexts (context_id VARCHAR PRIMARY KEY, corpus VARCHAR, documents JSON NOT NULL,
            characters BIGINT, tokens BIGINT);
        CREATE TABLE questions (corpus_fingerprint VARCHAR NOT NULL, question_id VARCHAR NOT NULL, corpus VARCHAR,
            context_id VARCHAR NOT NULL, text VARCHAR NOT NULL, answers JSON, options JSON, evidence JSON, task VARCHAR,
            metrics JSON, metadata JSON, PRIMARY KEY (corpus_fingerprint, question_id));
        CREATE TABLE builds (run_id VARCHAR NOT NULL, context_id VARCHAR NOT NULL, status VARCHAR NOT NULL,
            error VARCHAR, seconds DOUBLE, calls BIGINT, cost_usd DOUBLE, prompt_tokens BIGINT, cached_tokens BIGINT,
            completion_tokens BIGINT, critical_path_s DOUBLE, notes JSON, PRIMARY KEY (run_id, context_id));
        CREATE TABLE answers (run_id VARCHAR NOT NULL, question_id VARCHAR NOT NULL, status VARCHAR NOT NULL,
            text VARCHAR, error VARCHAR, calls BIGINT, cost_usd DOUBLE, prompt_tokens BIGINT, cached_tokens BIGINT,
            completion_tokens BIGINT, critical_path_s DOUBLE, first_token_s DOUBLE, wall_s DOUBLE,
            truncated_tokens BIGINT, evidence_coverage DOUBLE, abstained BOOLEAN, replayed BOOLEAN, notes JSON,
            citations JSON, finished_at TIMESTAMP, PRIMARY KEY (run_id, question_id));
        CREATE TABLE hits (run_id VARCHAR NOT NULL, question_id VARCHAR NOT NULL, rank BIGINT NOT NULL,
            document_id VARCHAR NOT NULL, start BIGINT NOT NULL, "end" BIGINT NOT NULL, score DOUBLE,
            PRIMARY KEY (run_id, question_id, rank));
        CREATE TABLE calls (call_id VARCHAR PRIMARY KEY, run_id VARCHAR NOT NULL, question_id VARCHAR,
            context_id VARCHAR, phase VARCHAR NOT NULL, step VARCHAR NOT NULL, parents JSON, model VARCHAR NOT NULL,
            prompt_hash VARCHAR NOT NULL, reply_hash VARCHAR, prompt_tokens BIGINT, cached_tokens BIGINT,
            cache_write_tokens BIGINT, completion_tokens BIGINT, reasoning_tokens BIGINT, token_source VARCHAR,
            cost_usd DOUBLE, queue_s DOUBLE, first_token_s DOUBLE, total_s DOUBLE, attempts BIGINT, from_cache BOOLEAN,
            in_flight BIGINT, finish_reason VARCHAR, error VARCHAR, started_at DOUBLE);
        CREATE TABLE texts (hash VARCHAR PRIMARY KEY, characters BIGINT NOT NULL, compressed BLOB NOT NULL);
        CREATE TABLE scores (run_id VARCHAR NOT NULL, question_id VARCHAR NOT NULL, metric VARCHAR NOT NULL,
            value DOUBLE, reason VARCHAR, version BIGINT, position BIGINT, PRIMARY KEY (run_id, question_id, metric));
    """)


def m002_retries(connection: Connection) -> None:
    """What failed attempts of a call had used before they failed."""
    connection.execute("""
        ALTER TABLE calls ADD COLUMN retry_prompt_tokens BIGINT DEFAULT 0;
        ALTER TABLE calls ADD COLUMN retry_completion_tokens BIGINT DEFAULT 0;
        ALTER TABLE calls ADD COLUMN retry_cost_usd DOUBLE DEFAULT 0;
    """)


def m003_spending(connection: Connection) -> None:
    """What retries cost becomes part of an answer's and an index stage's cost, and is shown beside it, with the calls
    that asked again for a reply of the right shape. `spending`: what each session has paid for a run, whatever became
    of it; what was paid before stands under the session `earlier`."""
    for table, owner, phase in (("answers", "question_id", "answer"), ("builds", "context_id", "build")):
        connection.execute(f"""
            ALTER TABLE {table} ADD COLUMN retries BIGINT DEFAULT 0;
            ALTER TABLE {table} ADD COLUMN retry_cost_usd DOUBLE DEFAULT 0;
            ALTER TABLE {table} ADD COLUMN reasks BIGINT DEFAULT 0;
            UPDATE {table} SET retries = c.retries, retry_cost_usd = c.usd, reasks = c.reasks,
                cost_usd = cost_usd + c.usd
            FROM (SELECT run_id, {owner}, sum(greatest(attempts, 1) - 1) AS retries, sum(retry_cost_usd) AS usd,
                count(*) FILTER (step LIKE '%:reask') AS reasks
                FROM calls WHERE phase = '{phase}' GROUP BY run_id, {owner}) AS c
            WHERE c.run_id = {table}.run_id AND c.{owner} = {table}.{owner};
        """)
    connection.execute("""
        CREATE TABLE spending (session_id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, calls BIGINT, usd DOUBLE,
            tokens BIGINT, PRIMARY KEY (session_id, run_id));
        INSERT INTO spending SELECT 'earlier', run_id, count(*),
            sum(coalesce(cost_usd, 0) + coalesce(retry_cost_usd, 0)),
            sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)
                + coalesce(retry_prompt_tokens, 0) + coalesce(retry_completion_tokens, 0))
        FROM calls WHERE NOT coalesce(from_cache, false) GROUP BY run_id;
    """)


def m004_left_out(connection: Connection) -> None:
    """The parameters that a call was sent without, because its server had refused to know them."""
    connection.execute("ALTER TABLE calls ADD COLUMN left_out JSON DEFAULT '[]'")


def m005_wire(connection: Connection) -> None:
    """How replies ended, what served them and what they thought; costs that do not depend on the order of runs; the
    windows and caches that runs had; answers asked once more, one at a time."""
    connection.execute("""
        ALTER TABLE calls ADD COLUMN ended VARCHAR;
        ALTER TABLE calls ADD COLUMN thoughts_hash VARCHAR;
        ALTER TABLE calls ADD COLUMN reasoning_source VARCHAR;
        ALTER TABLE calls ADD COLUMN cache_write_hour_tokens BIGINT;
        ALTER TABLE calls ADD COLUMN served_model VARCHAR;
        ALTER TABLE calls ADD COLUMN service_tier VARCHAR;
        ALTER TABLE calls ADD COLUMN told_cost_usd DOUBLE;
        ALTER TABLE calls ADD COLUMN contradiction VARCHAR;
        ALTER TABLE calls ADD COLUMN cost_cold_usd DOUBLE;
        ALTER TABLE calls ADD COLUMN shared_characters BIGINT;
        ALTER TABLE answers ADD COLUMN ended VARCHAR;
        ALTER TABLE answers ADD COLUMN served_model VARCHAR;
        ALTER TABLE answers ADD COLUMN reasoning_tokens BIGINT;
        ALTER TABLE answers ADD COLUMN in_flight DOUBLE;
        ALTER TABLE answers ADD COLUMN cost_cold_usd DOUBLE;
        ALTER TABLE answers ADD COLUMN cost_own_usd DOUBLE;
        ALTER TABLE builds ADD COLUMN reasoning_tokens BIGINT;
        ALTER TABLE builds ADD COLUMN in_flight DOUBLE;
        ALTER TABLE builds ADD COLUMN cost_cold_usd DOUBLE;
        ALTER TABLE builds ADD COLUMN cost_own_usd DOUBLE;
        ALTER TABLE runs ADD COLUMN "window" BIGINT;
        ALTER TABLE runs ADD COLUMN window_source VARCHAR;
        ALTER TABLE runs ADD COLUMN prompt_cache JSON;
        CREATE TABLE probes (run_id VARCHAR NOT NULL, question_id VARCHAR NOT NULL, status VARCHAR NOT NULL,
            error VARCHAR, critical_path_s DOUBLE, first_token_s DOUBLE, calls BIGINT, cost_usd DOUBLE,
            finished_at TIMESTAMP, PRIMARY KEY (run_id, question_id));
    """)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    m001_nouns,
    m002_retries,
    m003_spending,
    m004_left_out,
    m005_wire,
)


def migrate(connection: Connection) -> list[str]:
    """Apply what is missing, in order, and return the names applied. Runs inside the caller's transaction."""
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name VARCHAR PRIMARY KEY, applied_at TIMESTAMP)")
    done = {name for (name,) in connection.execute("SELECT name FROM migrations").fetchall()}
    applied = []
    for step in MIGRATIONS:
        if step.__name__ not in done:
            step(connection)
            connection.execute("INSERT INTO migrations VALUES (?, now()::TIMESTAMP)", [step.__name__])
            applied.append(step.__name__)
    return applied
