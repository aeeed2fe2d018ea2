"""What was learnt, handed over to the server that plays: an adapter by its folder, or all weights by theirs.

As vLLM 0.32 takes them. Adapters: `POST /v1/load_lora_adapter`, open where the server runs with `--enable-lora` and
`VLLM_ALLOW_RUNTIME_LORA_UPDATING=1`; each time from a new folder, since what the server has read and remembered is kept by the folder's name. All
weights: `POST /collective_rpc` with `reload_weights`, then `POST /reset_prefix_cache`, open with `VLLM_SERVER_DEV_MODE=1`. Server and learner see the
folder under the same path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from clinsim.agents.chat_server import Server
from clinsim.errors import ServerError

PATIENCE = 600.0
"""Seconds that a server may take to read weights."""
LONGEST_COMPLAINT = 200


def hand_over_adapter(server: Server, name: str, folder: Path) -> None:
    """Let the server answer to `name` with the adapter of a folder, in place of what it had under that name.

    Raises:
        ServerError: It cannot be reached, or does not take it.
    """
    _post(server, "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder.resolve()), "load_inplace": True})


def hand_over_weights(server: Server, folder: Path) -> None:
    """Let the server read its weights from a folder, and forget what it remembers of prompts.

    Raises:
        ServerError: It cannot be reached, or does not take them.
    """
    _post(server, "/collective_rpc", {"method": "reload_weights", "kwargs": {"weights_path": str(folder.resolve())}})
    _post(server, "/reset_prefix_cache", {})


def _post(server: Server, path: str, body: Mapping[str, Any]) -> None:
    root = server.url.removesuffix("/v1")
    key = server.settings.key.get_secret_value()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    try:
        with urlopen(Request(root + path, json.dumps(body).encode(), headers), timeout=PATIENCE) as answer:
            answer.read()
    except HTTPError as problem:
        told = " ".join(problem.read().decode(errors="replace").split()).replace(key, "***")[:LONGEST_COMPLAINT]
        raise ServerError(f"{root}{path} answers {problem.code}: {told}") from problem
    except (OSError, HTTPException) as problem:
        raise ServerError(f"{root}{path} cannot be reached: {problem}") from problem
