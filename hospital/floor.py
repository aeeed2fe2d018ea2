"""The floor: a graph of locations, and the walking minutes between them."""

from __future__ import annotations

from functools import lru_cache

import networkx as nx

from clinsim.errors import ScenarioError
from clinsim.hospital_file import Floor


@lru_cache(maxsize=32)
def walking_minutes(floor: Floor) -> dict[tuple[str, str], float]:
    """Minutes of the shortest walk between every two locations.

    Raises:
        ScenarioError: The floor falls into parts between which nobody can walk.
    """
    graph: nx.Graph[str] = nx.Graph()
    for a, b, minutes in floor.edges:
        graph.add_edge(a, b, weight=minutes * floor.scale)
    if not graph:
        raise ScenarioError("floor.edges: there is no way at all; give (a, b, minutes)")
    if not nx.is_connected(graph):
        raise ScenarioError(f"floor.edges: no way between {sorted(next(iter(nx.connected_components(graph))))} and the rest")
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="weight"))
    return {(a, b): float(minutes) for a, row in lengths.items() for b, minutes in row.items()}
