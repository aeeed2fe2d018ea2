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
    "load_scenario": "clinsim.scenario_file",
    "scenario_names": "clinsim.scenario_file",
    "tool": "clinsim.tooling",
}
"""Where each public name lives. No module of the package bears one of these names, so that neither hides the other."""

__all__ = [
    "ScenarioError",
    "ToolError",
    "Trace",
    "TraceError",
    "UsageError",
    "__version__",
    "load_scenario",
    "scenario_names",
    "tool",
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
