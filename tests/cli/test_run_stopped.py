"""What `workbench run` prints when a run's first answers are none: the line that mends it, alone on its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.contract.thinker import Thinker
from tests.llm.endpoint import Endpoint
from workbench.cli.main import main


def test_the_printed_line_can_be_pasted_into_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "exp.yaml"
    with Endpoint(handler=Thinker(900)) as endpoint:
        given = {
            "name": "paste",
            "database": "log.duckdb",
            "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 14, "seed": 5}}],
            "models": [{f"server/m@{endpoint.url}": {"window": 32_768, "price": {"input": 1, "output": 4}}}],
            "pipelines": ["full_context"],
            "concurrency": 2,
        }
        file.write_text(yaml.safe_dump(given))
        assert main(["run", str(file), "--quiet"]) == 3
        *_, told, line = capsys.readouterr().err.splitlines()
        assert "of the first 10 answers 10 are empty; stopped before the rest is paid" in told
        assert told.endswith("the same command goes on when this line stands under models:")
        file.write_text(yaml.safe_dump({**given, "models": yaml.safe_load(line)}))
        assert main(["run", str(file), "--quiet"]) == 0
