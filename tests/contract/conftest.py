"""The stage on which every department's simulator stands; departments found, and declared ones."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.manifest import load_manifest
from adapters.simulation import running
from tests.contract.declared.department import DECLARED, DeclaredDepartment
from tests.contract.department import Department, Stage, folders


def _cases() -> list[tuple[str, str]]:
    """(folder, mode) of everything the hub asks."""
    found = []
    for folder in folders():
        manifest = load_manifest(folder)
        if manifest.pulls:
            found += [(folder.name, mode) for mode in manifest.modes or [""]]
    return [*found, *((name, "") for name in DECLARED)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "department" in metafunc.fixturenames:
        cases = _cases()
        ids = [f"{name}-{mode}" if mode else name for name, mode in cases]
        metafunc.parametrize("department", cases, ids=ids, indirect=True)
    if "folder" in metafunc.fixturenames:
        metafunc.parametrize("folder", folders(), ids=lambda path: path.name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with running(stage) as base:
        stage.base = base
        yield stage


@pytest.fixture
def department(request: pytest.FixtureRequest, stage: Stage) -> Department:
    name, mode = request.param
    if name in DECLARED:
        return DeclaredDepartment(name, stage)
    by_name = {folder.name: folder for folder in folders()}
    return Department(by_name[name], mode, stage)
