"""Declared departments as the suite meets them: a declaration beside this file, and no code."""

import tomllib
from pathlib import Path
from typing import Any

from msgspec import structs
from typing_extensions import override

from adapters import declared
from adapters.simulation import Simulation, rest_sample, soap_sample
from adapters.wire import Wire
from canonical.ports import System
from tests.contract.declared import drop_sample
from tests.contract.department import Department, Stage

HERE = Path(__file__).parent
REST = dict.fromkeys(("fault", "fault12"), "REST: there is no SOAP fault")
DROP = dict.fromkeys(
    ("slow", "silent", "refusing", "drip", "busy", "fault", "fault12"),
    "A folder answers at once and knows no credentials; see adapters/police_plates",
)
# Name -> declaration, simulator, moods that cannot apply.
DECLARED: dict[str, tuple[str, Any, dict[str, str]]] = {
    "declared-rest": ("rest.toml", rest_sample, REST),
    "declared-soap": ("soap.toml", soap_sample, {}),
    "declared-drop": ("drop.toml", drop_sample, DROP),
}
FILES = {"soap_sample.wsdl": soap_sample.CONTRACT.read_bytes()}


def declaration(name: str) -> dict[str, Any]:
    """One of the declarations, fresh."""
    return tomllib.loads((HERE / name).read_text("utf-8"))


class DeclaredDepartment(Department):
    """A declaration, with the simulator that speaks as it says."""

    def __init__(self, name: str, stage: Stage) -> None:
        self._file, self._simulator, self._left_out = DECLARED[name]
        super().__init__(Path(name), "", stage)

    @override
    def load(self, wire: Wire) -> System:
        system = declared.build(declaration(self._file), FILES, wire)
        manifest = structs.replace(system.manifest, moods_not_applicable=self._left_out)
        return structs.replace(system, manifest=manifest)

    @override
    def open(self, mood: str = "well") -> Simulation:
        simulation: Simulation = self._simulator.build(None, None)
        simulation.mood = mood
        self._stage.simulation = simulation
        return simulation
