"""Provider strings, what is asked of a running server, and models given from Python."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import InputError, ModelError, UnknownName
from workbench.llm.model import ChatRequest, count_messages
from workbench.llm.providers.discovery import Found
from workbench.llm.providers.opening import open_model, providers
from workbench.llm.scripted import ScriptedModel
from workbench.llm.tokens import counter_for
from workbench.records import Message
from workbench.text import count_tokens


def test_every_provider_of_the_table_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.llm.providers.discovery.discover", lambda *_: Found())
    for row in providers():
        monkeypatch.setenv(row["key"].split(" ")[0], "k")
        model = open_model(row["example"].replace("example.org", "127.0.0.1"), **{"window": 9_000})
        assert model.window == 9_000
        assert model.count("one two three") == 3


def test_a_hosted_models_window_comes_from_the_price_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert open_model("openai/gpt-4o-mini").window == 128_000


@pytest.mark.parametrize(
    ("spec", "options", "named"),
    [
        ("gpt-4o-mini", {}, "gpt-4o-mini"),
        ("nobody/x", {}, "nobody"),
        ("openai/", {}, "openai/"),
        ("server/x", {}, "address"),
        ("vllm/x@localhost:8000", {}, "address"),
        ("vllm/x@http://me:secret@localhost/v1", {}, "password"),
        ("vllm/x", {"windw": 5}, "windw"),
        ("vllm/x", {"window": 0}, "window"),
        ("vllm/x", {"window": "8k"}, "window"),
        ("vllm/x", {"rpm": -1}, "rpm"),
        ("vllm/x", {"tokenizer": "nonsense"}, "nonsense"),
        ("vllm/x", {"tokenizer": "/no/such/tokenizer.json"}, "tokenizer"),
    ],
)
def test_a_wrong_model_is_one_clear_line(spec: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError) as caught:
        open_model(spec, **options)
    assert named in str(caught.value)
    assert "secret" not in str(caught.value).replace("password", "")
    assert "\n" not in str(caught.value)


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        open_model("openai/gpt-4o-mini")
    with pytest.raises(InputError, match="MY_KEY"):
        open_model("openai/gpt-4o-mini", key_env="MY_KEY")


def test_options_of_others_are_let_through() -> None:
    assert open_model("vllm/x", price_as="gpt-4o-mini", gpu_hour=None, concurrency=3).name == "vllm/x"
    with pytest.raises(UnknownName):
        open_model("extractive", temperature=1)


class _Talker(BaseHTTPRequestHandler):
    """Says about itself what vLLM, llama.cpp and Ollama say. A "token" is a character; a message adds 5, a reply 2, a
    system message 7."""

    answers: Mapping[str, Any] = {}

    def do_GET(self) -> None:
        self._send(self.answers.get(self.path))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize":
            if "messages" in body:
                added = sum(7 if m["role"] == "system" else 5 for m in body["messages"])
                self._send({"count": 2 + added + sum(len(m["content"]) for m in body["messages"])})
            elif "content" in body:
                self._send({"tokens": list(range(len(body["content"])))})
            else:
                self._send({"count": len(body["prompt"])})
        else:
            self._send(self.answers.get(self.path))

    def _send(self, value: Any) -> None:
        data = json.dumps(value if value is not None else {"error": "?"}).encode()
        self.send_response(200 if value is not None else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def talker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(
        _Talker,
        "answers",
        {
            "/v1/models": {"data": [{"id": "tiny", "max_model_len": 16_384, "root": "/models/tiny"}]},
            "/props": {"default_generation_settings": {"n_ctx": 3_000}},
            "/api/ps": {"models": []},
            "/api/show": {"parameters": "stop  x\nnum_ctx                        12000"},
        },
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Talker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def test_vllm_is_asked_for_its_window_tokenizer_and_chat_template(talker: str) -> None:
    model = open_model(f"vllm/tiny@{talker}")
    assert model.window == 16_384
    assert model.token_source == "server:/tokenize"
    assert model.count("abcdef") == 6
    messages = (Message("system", "abc"), Message("user", "de"), Message("assistant", "f"), Message("user", ""))
    assert count_messages(model, messages) == 2 + 7 + 3 * 5 + 6


def test_llamacpp_and_ollama_are_asked_for_their_windows(talker: str) -> None:
    llama = open_model(f"llamacpp/any@{talker}")
    assert (llama.window, llama.count("abcd"), llama.token_source) == (3_000, 4, "server:/tokenize")
    assert open_model(f"ollama/llama3@{talker}").window == 12_000


def test_what_the_file_says_stands_before_what_the_server_says(talker: str) -> None:
    model = open_model(f"vllm/tiny@{talker}", window=1_000, tokenizer="cl100k_base")
    assert (model.window, model.token_source) == (1_000, "tiktoken:cl100k_base")


def test_when_the_tokenizer_goes_away_counting_goes_on_and_says_so(talker: str) -> None:
    model = open_model(f"vllm/tiny@{talker}")
    model._counter._host = "127.0.0.1:9"  # type: ignore[attr-defined]
    model._counter._local = threading.local()  # type: ignore[attr-defined]
    assert model.token_source == "server:/tokenize"
    assert model.count("some other text") == count_tokens("some other text")
    assert model.token_source == "server:/tokenize and tiktoken:o200k_base"


def test_a_count_that_the_server_refuses_is_ours_and_said_to_be(talker: str) -> None:
    model = open_model(f"vllm/tiny@{talker}")
    assert model.count("abcd") == 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Talker, "do_POST", lambda self: self._send(None))
        assert model.count("some other text") == count_tokens("some other text")
    assert model.token_source == "server:/tokenize and tiktoken:o200k_base"
    assert model.count("abcde") == 5  # asked again: one refusal is not the end of it


def test_a_dead_server_gives_defaults() -> None:
    model = open_model("vllm/tiny@http://127.0.0.1:9/v1")
    assert (model.window, model.token_source) == (8_192, "tiktoken:o200k_base")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("gpt-4", "cl100k_base"), ("gpt-4-turbo", "cl100k_base"), ("gpt-4o", "o200k_base"), ("gpt-4.1", "o200k_base")],
)
def test_openai_models_are_counted_in_their_own_encoding(name: str, encoding: str) -> None:
    assert counter_for(name).source == f"tiktoken:{encoding}"


def test_a_tokenizer_json_counts_when_the_package_is_there(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    counter = counter_for("any", str(tmp_path))
    assert counter.count("a b c") == 3
    assert counter.source.startswith("huggingface:")


def test_a_models_object_is_taken_as_it_is() -> None:
    model = ScriptedModel(["x"])
    assert open_model(model) is model
    with pytest.raises(InputError, match="no model"):
        open_model(object())


def test_any_llama_index_llm_is_a_model() -> None:
    from llama_index.core.llms import MockLLM

    model = open_model(MockLLM(max_tokens=3), window=500)
    got = model.complete(ChatRequest((Message("user", "one two"),), 5))
    assert got.text == "text text text"  # what llama-index's mock says, three tokens of it
    assert got.prompt_tokens == count_messages(model, (Message("user", "one two"),))
    assert model.window == 500
    assert asyncio.run(model.acomplete(ChatRequest((Message("user", "one two"),), 5))).text == got.text


def test_a_llama_index_llms_settings_are_part_of_the_cache_identity_and_its_key_is_not() -> None:
    from llama_index.core.llms import MockLLM

    short, longer = open_model(MockLLM(max_tokens=3)), open_model(MockLLM(max_tokens=4))
    assert short.name == longer.name
    assert short.cache_identity != longer.cache_identity  # type: ignore[attr-defined]


def test_a_llama_index_failure_is_a_model_error_without_secrets() -> None:
    class Broken:
        class metadata:
            model_name, context_window, num_output = "broken", 1_000, 100

        def chat(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("Incorrect API key sk-proj-abcdef123456 given")

    with pytest.raises(ModelError) as caught:
        open_model(Broken()).complete(ChatRequest((Message("user", "?"),), 5))
    assert "RuntimeError" in str(caught.value)
    assert "abcdef123456" not in str(caught.value)
