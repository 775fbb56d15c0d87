"""Stand-ins for departments: moods, a request log and a control door around a simulator's routes.

A simulator module offers `build(data: Path | None = None, options: dict[str, str] | None = None) ->
Simulation`. It is written from its contract alone and knows none of the hub's code.
"""

from adapters.simulation.harness import MOODS, Simulation
from adapters.simulation.serving import running, serve

__all__ = ["MOODS", "Simulation", "running", "serve"]
