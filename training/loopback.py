"""A server of chat completions on this machine, with the few doors of vLLM that training needs: for rehearsals, and for want of vLLM.

    with serving(folder, "policy") as server: ...  # server.url

It answers one question at a time, in this process, and says which tokens it read and wrote and how likely they were. Adapters and weights are
handed over as to vLLM: `/v1/load_lora_adapter`, `/collective_rpc` with `reload_weights`, `/reset_prefix_cache`. A model that can say nothing
yet may be given lines to say, so that something happens: of these, too, it tells how likely it finds them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from clinsim.agents.adapters import read_adapter, switch
from clinsim.training.writing import drawn

Answer = tuple[int, Any]
"""Status and body of an answer."""


class Loopback:
    """A chat model that answers requests: the bare one by its name, and each adapter by the name it was loaded under."""

    def __init__(self, folder: Path, name: str, lines: Sequence[str] = ()) -> None:
        """Read a model and its tokenizer from a folder; of `lines`, if there are any, it says one at random in place of what it would draw."""
        self.model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.model.train(False)
        self.words: Any = AutoTokenizer.from_pretrained(folder)
        self.name = name
        self.lines = [self.words.encode(line, add_special_tokens=False) for line in lines]
        self.adapters: dict[str, str] = {}
        self.url = ""
        self._lock = threading.Lock()
        self._doors: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
            "/v1/chat/completions": self.completion,
            "/v1/load_lora_adapter": self.adapter,
            "/collective_rpc": self.call,
            "/reset_prefix_cache": lambda body: (200, {}),
        }

    def answer(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Answer one request, after all before it."""
        door = self._doors.get(path)
        if door is None:
            return 404, f"no such door: {path}"
        with self._lock:
            return door(body)

    @torch.inference_mode()
    def completion(self, body: Mapping[str, Any]) -> Answer:
        """Draw an answer from the whole distribution, by the seed of the request."""
        if body["model"] not in {self.name, *self.adapters}:
            return 404, f"the model {body['model']} does not exist"
        if self.adapters:
            switch(self.model, self.adapters.get(body["model"]))
        text = self.words.apply_chat_template(body["messages"], tools=body.get("tools"), add_generation_prompt=True, tokenize=False)
        prompt = self.words.encode(str(text), add_special_tokens=False)
        wrote, logps = self._recited(prompt, body["seed"]) if self.lines else self._drawn(prompt, body["seed"], body["max_tokens"])
        said = self.words.decode(wrote, skip_special_tokens=True)
        told = {"content": [{"token": "", "logprob": logp} for logp in logps]}
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop", "token_ids": wrote, "logprobs": told}
        usage = {"prompt_tokens": len(prompt), "completion_tokens": len(wrote)}
        return 200, {"choices": [choice], "prompt_token_ids": prompt, "usage": usage}

    def _recited(self, prompt: list[int], seed: int) -> tuple[list[int], list[float]]:
        line = [*self.lines[int(np.random.default_rng(seed).integers(len(self.lines)))], self.words.eos_token_id]
        chances = self.model(torch.tensor([prompt + line]), logits_to_keep=len(line) + 1).logits[0, :-1].log_softmax(-1)
        return line, chances.gather(1, torch.tensor(line).unsqueeze(1)).squeeze(1).tolist()

    def _drawn(self, prompt: list[int], seed: int, most: int) -> tuple[list[int], list[float]]:
        (answer,) = drawn(self.model, [prompt], [seed], self.words.eos_token_id, most)
        return answer.tokens, answer.logps

    def adapter(self, body: Mapping[str, Any]) -> Answer:
        """Load an adapter from a folder, in place of one of that name where the request says so."""
        name, folder = body["lora_name"], Path(body["lora_path"])
        if name in self.adapters and not body.get("load_inplace"):
            return 400, f"the adapter {name} has been loaded already"
        if not folder.is_dir():
            return 404, f"no adapter in {folder}"
        read_adapter(self.model, self._place(name), folder)
        self.adapters[name] = self._place(name)
        return 200, f"{name} added"

    def _place(self, name: str) -> str:
        """What an adapter is called among the layers, whose names know no dots."""
        return self.adapters.get(name, f"adapter_{len(self.adapters)}")

    def call(self, body: Mapping[str, Any]) -> Answer:
        """Let the workers of the server do something: reload the weights from a folder."""
        if body["method"] != "reload_weights":
            return 400, f"no such method: {body['method']}"
        files = sorted(Path(body["kwargs"]["weights_path"]).glob("*.safetensors"))
        weights = {name: values for file in files for name, values in load_file(file).items()}
        own = self.model.state_dict()
        other = [name for name in weights if name not in own or own[name].shape != weights[name].shape]
        if other or not weights:
            return 500, f"weights of another model: {other[0] if other else 'none at all'}"
        self.model.load_state_dict(weights, strict=False)  # of tied weights one name is written
        return 200, {"results": [None]}


@contextmanager
def serving(folder: Path, name: str, lines: Sequence[str] = ()) -> Iterator[Loopback]:
    """Serve the model of a folder on loopback, under a name, as long as this lasts."""
    server = Loopback(folder, name, lines)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(server: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, told = server.answer(self.path, json.loads(self.rfile.read(length) or b"{}"))
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is told of single requests."""

    return Handler
