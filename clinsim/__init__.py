"""clinsim: a simulated hospital in which doctors, pharmacists and radiologists are agents.

Importing it registers two environments by name, PettingZoo's `clinsim/ward-v1` and Gymnasium's `clinsim/Task-v1`, and
loads nothing else: the public functions below are fetched from their modules when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import gymnasium
import pettingzoo

if TYPE_CHECKING:
    from clinsim.errors import ScenarioError, ToolError, TraceError, UsageError
    from clinsim.recheck import regrade_trace, verify_trace
    from clinsim.rollout import env, parallel_env, raw_env, run_episode
    from clinsim.scenario_file import load_scenario, scenario_names
    from clinsim.tooling import tool
    from clinsim.trace_file import Trace

__version__ = "0.1.0"

_HOMES = {
    "ScenarioError": "clinsim.errors",
    "ToolError": "clinsim.errors",
    "Trace": "clinsim.trace_file",
    "TraceError": "clinsim.errors",
    "UsageError": "clinsim.errors",
    "env": "clinsim.rollout",
    "load_scenario": "clinsim.scenario_file",
    "parallel_env": "clinsim.rollout",
    "raw_env": "clinsim.rollout",
    "regrade_trace": "clinsim.recheck",
    "run_episode": "clinsim.rollout",
    "scenario_names": "clinsim.scenario_file",
    "tool": "clinsim.tooling",
    "verify_trace": "clinsim.recheck",
}
"""Where each public name lives. No module of the package bears one of these names, so that neither hides the other."""

__all__ = [
    "ScenarioError",
    "ToolError",
    "Trace",
    "TraceError",
    "UsageError",
    "__version__",
    "env",
    "load_scenario",
    "parallel_env",
    "raw_env",
    "regrade_trace",
    "run_episode",
    "scenario_names",
    "tool",
    "verify_trace",
]

pettingzoo.register("aec", "clinsim/ward-v1", entry_point="clinsim.rollout:env")
gymnasium.register("clinsim/Task-v1", entry_point="clinsim.benchmark.env:TaskEnv")


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module, once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'clinsim' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, fetched or not."""
    return sorted({*globals(), *__all__})
