"""Whose fault an error is: the agent's, the user's, a server's, or ours.

`ToolError` is told to the agent and costs it simulated time. `UsageError` (and its kinds) is the user's: the command line prints one line and
exits with 2. `ServerError` is that of a model's server: told in one line as well, and counted apart where many attempts are made. Any other
exception is a fault of this project: it stops the episode with a traceback.
"""

from __future__ import annotations


class ToolError(Exception):
    """The agent asked for something that the hospital refuses; the message says what is allowed."""


class UsageError(Exception):
    """The user named something that does not exist or is not allowed; the message names it and what is."""


class ScenarioError(UsageError):
    """A scenario, condition or hospital file is wrong; the message names the file, the field and what is allowed."""


class TraceError(UsageError):
    """A trace cannot be read; the message names the file and the line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """Keep the 1-based `line` at which the trace stops being readable (None: the file as a whole)."""
        super().__init__(message)
        self.line = line


class ServerError(UsageError, ConnectionError):
    """The server of a model gives no answer, or none that can be read; the message names the server and what is the matter."""


class WorkerError(UsageError, ChildProcessError):
    """A process to which work was given out was ended from outside; the message says so, and whoever knows of a way on adds it."""
