"""The demo from beginning to end: start, fill, ask, compare, print, serve while somebody looks."""

import asyncio
import contextlib
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from canonical import clock
from hub import output, wiring
from hub.demo import printing, printing_live, printing_work, table
from hub.demo.counting import Counted, Counter
from hub.demo.generate import Generated, write_all
from hub.demo.papers import Papers
from hub.demo.place import fresh
from hub.demo.scene import Found, Scene, perform
from hub.demo.serving import AppThread, Department, HubThread, SimulatorThread, stop_all
from hub.demo.setup import TRIAL, Commands, add_clients, connect, load_catalogue
from hub.demo.telling import SYSTEMS
from hub.settings import Settings
from sync import staff

_CITY = "city_one_stop"
_APPS = {"dong-ha": "DH", "vinh-linh": "VL"}
_STORY = "licence"
# Somebody is watching.
_TICK_S = 0.2
_RETRY_BASE_S = 1.0


class _Told:
    """Progress: a line per step on stderr, with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        output.say(f"[{time.monotonic() - self._start:5.1f} s] {text}")


def run(settings: Settings, commands: Commands, *, stays: bool) -> int:
    """Run the demo and print its page; the exit code.

    Args:
        settings: Where HUB_DATA_DIR is, and the port that is tried first.
        commands: What a person would do on the command line.
        stays: Whether to go on serving until Ctrl-C.

    Raises:
        HubError: it cannot run here.
    """
    say = _Told()
    with ExitStack() as stack:
        folder = stack.enter_context(fresh(settings.data_dir))
        own = settings.model_copy(
            update={
                "data_dir": folder,
                "database_url": "",
                "egress_allowlist": "",
                "tick_s": _TICK_S,
                "retry_base_s": _RETRY_BASE_S,
            }
        )
        context = wiring.open_hub(own)
        stack.callback(context.store.dispose)
        made = write_all(folder / "simulators", clock.day_of(context.now()))
        say(f"Đã tạo dữ liệu của sáu hệ thống, mỗi sở một lời: {folder / 'simulators'}")
        counter = stack.enter_context(Counter(folder / "simulators"))
        threads: list[AppThread] = []
        stack.callback(stop_all, threads)
        departments = _departments(threads, made, folder)
        receivers = _receivers(threads)
        papers = Papers()
        threads.append(papers)
        say(f"{len(threads) - 1} bộ giả lập đang phục vụ, mỗi bộ một cổng riêng")
        agencies, procedures = load_catalogue(context, commands)
        say(f"Đã nạp danh mục: {agencies} cơ quan, {procedures} thủ tục")
        connect(context, commands, list(departments.values()))
        accounts = add_clients(context, commands)
        hub = stack.enter_context(HubThread(context, own))
        say(f"Trục đang phục vụ tại {hub.base}")
        scene = Scene(
            context=context,
            commands=commands,
            base=hub.base,
            folder=folder,
            made=made,
            departments=departments,
            receivers=receivers,
            papers=papers,
            accounts=accounts,
        )
        found = asyncio.run(perform(scene, say))
        counted = counter.result()
        say("Đã có số đếm độc lập" if counted else "Không có scripts/count_demo.py để đếm độc lập")
        is_wrong = _show(scene, found, counted, stays=stays)
        if stays:
            first = staff.add_first(context)
            if first is not None:
                say(
                    f"Màn hình điều hành: {hub.base}/console (tài khoản {first.name},"
                    f" mật khẩu dùng một lần {first.password})"
                )
            say("Đang phục vụ; Ctrl-C để dừng")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    say("Xong")
    return output.FOUND_WRONG if is_wrong else output.DONE


def _departments(threads: list[AppThread], made: Generated, folder: Path) -> dict[str, Department]:
    found: dict[str, Department] = {}
    for connection, data in made.files.items():
        system, options = connection, {}
        if connection in _APPS:
            system, options = _CITY, {"maDonViTiepNhan": _APPS[connection]}
        elif connection == "police_plates":
            options = {"folder": str((folder / "police_plates").absolute())}
        thread = SimulatorThread(connection, system, data, options)
        threads.append(thread)
        found[connection] = thread.department
    return found


def _receivers(threads: list[AppThread]) -> dict[str, Department]:
    found: dict[str, Department] = {}
    for name, system in SYSTEMS.items():
        thread = SimulatorThread(name, system)
        threads.append(thread)
        found[name] = thread.department
    return found


def _show(scene: Scene, found: Found, counted: Counted | None, *, stays: bool) -> bool:
    """Print the page; whether a figure differs, or anything else is not as it must be."""
    own = counted.counts if counted is not None else None
    blocks = table.blocks(found.computed, own)
    is_wrong = table.is_wrong(blocks) or table.differing(found.computed, own)
    reader = scene.accounts.reader
    account = (reader.client_id, reader.client_secret)
    simulators = {**scene.departments, **scene.receivers}
    places = {name: one.base for name, one in simulators.items()}
    lines = [
        *printing.table(blocks),
        "",
        "KẾT QUẢ: " + ("CÓ SỐ KHÁC NHAU" if is_wrong else "mọi số in trong bài đều khớp"),
        *printing.resolved(found.computed, own, found.this_year),
        *printing.dispositions(found.records, counted.rows if counted else None, found.quarantined),
        *printing.stories(found.stories),
        *_lived(found),
        *printing.commands(
            scene.base, account, scene.made.lookup, found.stories[_STORY]["id"], scene.made.today
        ),
        *printing.trial(scene.base, TRIAL),
        *printing_work.commands(scene.folder, found.live),
        *printing.addresses(scene.base, places, scene.folder),
        *([] if stays else printing.again(scene.base, scene.folder)),
        *printing_work.summary(found.live, is_equal=not is_wrong),
        *printing_work.proof(found.report),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return is_wrong or bool(found.live.wrong()) or not found.report["ok"]


def _lived(found: Found) -> list[str]:
    live = found.live
    return [
        *printing_work.schedules(live.standings),
        *printing_live.deliveries(live),
        *printing_live.way(live),
        *printing_live.filing(live.filed),
        *printing_live.publication(live.published),
        *printing_live.quarantined(live.mended),
    ]
