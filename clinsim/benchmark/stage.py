"""Where a task is played: the tools of its domain over a fresh world. Databases are parsed once; worlds are opened for each attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from clinsim.benchmark import agentclinic_tools
from clinsim.benchmark.agentclinic import CASE, DOMAIN
from clinsim.benchmark.attempt import Made, State
from clinsim.benchmark.suite import Placed
from clinsim.errors import ToolError, UsageError
from clinsim.hospital.ancestor import would_flag
from clinsim.hospital.domains import DOMAINS, RecordWorld, call, load_database, tools_of
from clinsim.tooling import ToolSpec, as_data, check_call, toolsets


class Stage(Protocol):
    """A fresh world with the tools of a domain."""

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """Tools by name."""
        ...

    def call(self, name: str, arguments: Mapping[str, Any]) -> Made:
        """Call a tool; what the agent did wrong comes back as a call that failed."""
        ...

    def changes(self) -> State:
        """What has been written so far."""
        ...


def open_stage(placed: Placed) -> Stage:
    """A fresh stage for a task.

    Raises:
        UsageError: No tools for its domain are here.
        ScenarioError: Its database is wrong.
    """
    task = placed.task
    if task.domain == DOMAIN:
        return CaseStage(agentclinic_tools.CaseWorld(task.origin[CASE]))
    if task.domain not in DOMAINS:
        raise UsageError(f"domain {task.domain!r}: there are no tools for it here; allowed {', '.join([*DOMAINS, DOMAIN])}")
    return DomainStage(task.domain, load_database(task.domain, placed.folder / task.database).open())


@dataclass(slots=True)
class DomainStage:
    """A world over the records of one of the seven domains."""

    domain: str
    world: RecordWorld

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """Tools by name."""
        return tools_of(self.domain, self.world.actor.role)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Made:
        """Call a tool."""
        called = call(self.world, self.domain, name, arguments)
        return Made(name, dict(arguments), called.ok, called.result, called.error, would_flag(self.domain, name, called, arguments), called.text)

    def changes(self) -> State:
        """What has been written so far."""
        return tuple(self.world.changes())


@dataclass(slots=True)
class CaseStage:
    """A patient of AgentClinic who answers from the chart."""

    world: agentclinic_tools.CaseWorld

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """Tools by name."""
        return toolsets()[agentclinic_tools.SET]

    def call(self, name: str, arguments: Mapping[str, Any]) -> Made:
        """Call a tool."""
        checked = check_call(name, arguments, self.tools)
        if checked.error:
            return Made(name, dict(arguments), False, None, checked.error)
        try:
            answer = self.tools[name].function(self.world, **checked.arguments)
        except ToolError as refusal:
            return Made(name, dict(arguments), False, None, str(refusal))
        return Made(name, dict(arguments), True, as_data(answer))

    def changes(self) -> State:
        """What has been written so far."""
        return tuple(self.world.written)
