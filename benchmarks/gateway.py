"""What a call costs beside the server's time: ours, everything logged; the bare `openai` SDK; aiohttp; inspect-ai.

    python benchmarks/gateway.py [--questions 2000] [--rivals PYTHON]

The rivals may live in a virtual environment of their own (their dependencies clash with others' pins): `python -m venv
rivals && rivals/bin/pip install openai inspect-ai aiohttp`, then `--rivals rivals/bin/python`. All ask the same
zero-latency endpoint (a process of its own) 500-token prompts, 64 in flight; each rival runs in a process of its own.
Ours is a whole run: 2,000 single-call questions, every call, prompt, answer and score in DuckDB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Spent = tuple[float, float]  # seconds on the wall, and of CPU time in this process: a busy machine stretches the first
IN_FLIGHT = 64
HERE = Path(__file__).resolve().parent
WORDS = "the ferry waited by the old mill while the carters argued about tolls and the price of salt "


def now() -> Spent:
    """Both clocks."""
    return time.perf_counter(), time.process_time()


def since(start: Spent) -> Spent:
    """What both clocks have moved since `start`."""
    wall, cpu = now()
    return wall - start[0], cpu - start[1]


def prompts(count: int) -> list[str]:
    """Distinct prompts of some 500 tokens."""
    return [f"{number}. " + WORDS * 26 + "\n\nQuestion: what is it?" for number in range(count)]


def ours(url: str, count: int) -> Spent:
    """A whole run, all logged."""
    import workbench as wb
    from workbench.experiment import setup
    from workbench.records import Context, Corpus, Document, Question

    contexts, questions = [], []
    for number, text in enumerate(prompts(count)):
        context = Context((Document(f"d{number}", text),))
        contexts.append(context)
        questions.append(Question(f"q{number}", "what is it?", context.context_id, ("forty-two",)))
    corpus = Corpus.of("bench", contexts, questions)
    setup.load_corpus = lambda *_: corpus  # type: ignore[assignment] # the questions themselves are not what is timed
    with tempfile.TemporaryDirectory() as folder:
        options = {"window": 16_000, "tokenizer": "o200k_base", "price_as": "gpt-4o-mini"}
        experiment = {
            "name": "gateway",
            "database": f"{folder}/runs.duckdb",
            "corpora": ["world"],
            "models": [{f"openai/bench@{url}": options}],
            "pipelines": ["full_context"],
            "concurrency": IN_FLIGHT,
        }
        started = now()
        summary = wb.run(experiment, progress=False)
        spent = since(started)
        assert (summary.answered, summary.failed) == (count, 0), summary
        if count >= 1000:
            started = now()
            again = wb.run({**experiment, "database": f"{folder}/again.duckdb"}, progress=False)
            assert again.replayed == count
            rate = count / since(started)[0]
            print(f"replay of {count:,} cached calls as a whole run into a new log: {rate:,.0f} calls/s")
    return spent


async def _many(one: Callable[[str], object], texts: list[str]) -> Spent:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def asked(text: str) -> None:
        async with gate:
            await one(text)  # type: ignore[misc]

    started = now()
    await asyncio.gather(*(asked(text) for text in texts))
    return since(started)


def openai_sdk(url: str, count: int) -> Spent:
    """The bare SDK's loop; nothing is kept."""
    from openai import AsyncOpenAI

    async def main() -> Spent:
        client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)

        async def one(text: str) -> None:
            await client.chat.completions.create(model="bench", messages=[{"role": "user", "content": text}])

        return await _many(one, prompts(count))

    return asyncio.run(main())


def aiohttp_bare(url: str, count: int) -> Spent:
    """Requests alone; the reply is parsed and dropped."""
    import aiohttp

    async def main() -> Spent:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

            async def one(text: str) -> None:
                body = {"model": "bench", "messages": [{"role": "user", "content": text}]}
                async with session.post(f"{url}/chat/completions", json=body) as response:
                    await response.json()

            return await _many(one, prompts(count))

    return asyncio.run(main())


def inspect_ai(url: str, count: int) -> Spent:
    """inspect-ai's eval of one generate and one scorer, its log written."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import get_model
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    model = get_model("openai/bench", base_url=url, api_key="none", responses_api=False)
    samples = [Sample(input=text, target="forty-two") for text in prompts(count)]
    with tempfile.TemporaryDirectory() as folder:
        task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())
        started = now()
        (log,) = eval(
            task, model=model, max_connections=IN_FLIGHT, max_samples=IN_FLIGHT, log_dir=folder, display="none"
        )
        spent = since(started)
    assert log.status == "success", log.error
    return spent


SIDES = {"workbench": ours, "openai sdk": openai_sdk, "aiohttp": aiohttp_bare, "inspect-ai": inspect_ai}


def measured(side: str, url: str, count: int, rivals: str) -> Spent:
    """Run one side in a process of its own; all but ours with the interpreter `rivals`."""
    python = sys.executable if side == "workbench" else rivals
    command = [python, __file__, "--side", side, "--url", url, "--questions", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent)
    if done.returncode:
        raise SystemExit(f"{side}: {done.stderr[-2000:]}")
    *said, last = done.stdout.strip().splitlines()
    print("\n".join(said) + "\n" if said else "", end="")
    wall, cpu = json.loads(last)["spent"]
    return wall, cpu


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=2_000)
    parser.add_argument("--rivals", default=sys.executable, metavar="PYTHON", help="where openai and inspect-ai are")
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--url")
    arguments = parser.parse_args()
    if arguments.side:
        SIDES[arguments.side](arguments.url, 20)  # imports and first connections are not what is compared
        print(json.dumps({"spent": SIDES[arguments.side](arguments.url, arguments.questions)}))
        return
    count = arguments.questions
    with subprocess.Popen(
        [sys.executable, str(HERE / "endpoint.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as endpoint:
        assert endpoint.stdout is not None
        url = f"http://127.0.0.1:{endpoint.stdout.readline().strip()}/v1"
        spent = {side: measured(side, url, count, arguments.rivals) for side in SIDES}
        assert endpoint.stdin is not None
        endpoint.stdin.close()
    print(f"{count:,} questions of 500 tokens, {IN_FLIGHT} in flight, zero-latency endpoint")
    for side, (took, cpu) in spent.items():
        a_call = f"{took / count * 1000:6.2f} ms a call, {cpu / count * 1000:6.2f} ms of CPU"
        print(f"{side:11} {took:7.2f} s  {count / took:8,.0f} questions/s  {a_call}")
    for clock, what in enumerate(("wall", "CPU")):
        inspect, sdk = (spent[side][clock] / spent["workbench"][clock] for side in ("inspect-ai", "openai sdk"))
        print(f"{what}: {inspect:.1f}x faster than inspect-ai, {sdk:.2f}x than the bare openai sdk, which logs nothing")
    with subprocess.Popen(
        [sys.executable, str(HERE / "endpoint.py"), "--delay", "0.2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as endpoint:  # fmt: skip
        assert endpoint.stdout is not None
        assert endpoint.stdin is not None
        url = f"http://127.0.0.1:{endpoint.stdout.readline().strip()}/v1"
        took, _ = measured("workbench", url, 500, arguments.rivals)
        endpoint.stdin.close()
    ideal = 0.2 * -(-500 // IN_FLIGHT)
    print(f"500 calls against a 200 ms server, {IN_FLIGHT} in flight: {took:.2f} s (ideal {ideal:.2f} s)")


if __name__ == "__main__":
    main()
