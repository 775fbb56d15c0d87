"""`hub demo` as somebody starts it: a process, real sockets, the interview's figures at the end."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hub.demo import table
from hub.demo.counting import SCRIPT, Counter
from hub.demo.figures import LINES
from hub.demo.generate import write_all

HUB = Path(sys.executable).with_name("hub")
TODAY = date(2026, 11, 24)
LONGEST_S = 240  # a test machine under load; alone it takes half a minute

# As printed by the newspaper: the table must show each of these three times.
PRINTED = {
    "UBND thành phố Đông Hà, năm 2015": ["4.833", "212", "4.396", "29"],
    "UBND thành phố Đông Hà, 6 tháng đầu năm 2016": ["2.264"],
    "UBND huyện Vĩnh Linh, năm 2015": ["1.193", "495", "638", "30", "30"],
    "UBND huyện Vĩnh Linh, 6 tháng đầu năm 2016": ["1.532", "1.311", "103", "27", "13", "78"],
}


def environment(folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return clean | {"HUB_DATA_DIR": str(folder), "HUB_PORT": "0"}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HUB, "demo", "--once"],
        env=environment(tmp_path_factory.mktemp("once")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def test_it_ends_well_and_says_that_every_printed_figure_is_equal(once):
    assert once.returncode == 0, once.stderr[-2000:]
    assert "KẾT QUẢ: mọi số in trong bài đều khớp" in once.stdout
    assert "KHÁC" not in once.stdout
    assert "Traceback" not in once.stderr


@pytest.mark.parametrize(("unit", "figures"), PRINTED.items())
def test_the_table_shows_each_printed_figure_three_times_and_calls_it_equal(once, unit, figures):
    block = once.stdout.split(f"\n{unit} (", 1)[1].split("\n\n", 1)[0]
    found = re.findall(r"^  \S.*?\s(\d[\d.]*) +(\d[\d.]*) +(\d[\d.]*)   bằng$", block, re.MULTILINE)
    assert found == [(figure,) * 3 for figure in figures]


def test_what_the_interview_does_not_print_is_called_assumed_with_a_reason(once):
    assert re.search(r"không in +196 +196   giả định: 196 hồ sơ", once.stdout)
    assert re.search(r"trên 95 % +95,4 % +95,4 %   bằng", once.stdout)


def test_every_system_gave_records_and_each_has_a_disposition(once):
    for connection in (*("dong-ha", "vinh-linh", "one_stop", "transport"), "police_plates", "tax"):
        line = re.search(rf"^{connection} +(.*)$", once.stdout, re.MULTILINE)
        assert line is not None, connection
        _, records, *dispositions = (int(n.replace(".", "")) for n in line[1].split())
        assert records == sum(dispositions) > 0
        assert dispositions[-1] > 0, "bad rows are part of the demo"


def test_one_tie_came_late_and_one_doubtful_tie_was_not_joined(once):
    assert "joined ở dòng thay đổi số" in once.stdout
    assert "TIE_DOUBTFUL; vẫn là hồ sơ riêng" in once.stdout
    assert "[financial]" in once.stdout


def test_nobody_is_called_but_this_machine(once):
    hosts = set(re.findall(r"https?://([^/:\s']+)", once.stdout))
    assert hosts == {"127.0.0.1"}


def read_until(terminal: int, wanted: bytes) -> bytes:
    seen, end = b"", time.monotonic() + LONGEST_S
    while wanted not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65_536)
    assert wanted in seen, seen[-2000:]
    return seen


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int, str]]:
    """A demo in a terminal: its process, the terminal, and what it has printed."""
    folder = tmp_path_factory.mktemp("served")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HUB, "demo"],
        env=environment(folder),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process, ours, read_until(ours, b"Ctrl-C").decode().replace("\r\n", "\n")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def test_in_a_terminal_it_serves_what_it_printed_until_ctrl_c(served):
    process, terminal, page = served
    command = re.search(r"(http://127\.0\.0\.1:\d+)/api/v1/lookup.*?-d '(.*?)'", page, re.DOTALL)
    asked = urllib.request.Request(
        f"{command[1]}/api/v1/lookup",
        data=command[2].encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked, timeout=30) as answer:
        told = json.loads(answer.read())
    assert told["status"] == "in_progress"
    assert told["agency_name"] == "Ban Quản lý Khu kinh tế"
    for path in ("/tra-cuu", "/soap/v1?wsdl", "/openapi.json"):
        with opener.open(command[1] + path, timeout=30) as answer:
            assert answer.status == 200
    process.send_signal(signal.SIGINT)
    read_until(terminal, b"Xong")
    assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files") / "simulators"
    write_all(folder, TODAY)
    return folder


def counts_of(folder: Path) -> dict[str, dict[str, object]]:
    with Counter(folder) as counter:
        counted = counter.result()
    assert counted is not None
    return dict(counted.counts)


def test_the_independent_script_knows_nothing_of_the_hub():
    source = SCRIPT.read_text("utf-8")
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    assert imported <= set(sys.stdlib_module_names)


def test_the_independent_script_counts_what_the_departments_hold(files):
    counts = counts_of(files)
    for line in LINES:
        told = counts[table.key_of(line.agency, line.start, line.end)]
        assert {name: n for name, n in told["buckets"].items() if n} == line.made
        assert told["total"] == line.total


def test_a_changed_file_is_caught_by_the_independent_count(files, tmp_path):
    """One dossier that ended in time ends after it, in the department's file alone."""
    before = counts_of(files)
    for file in files.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    told = json.loads((tmp_path / "vinh-linh.json").read_text("utf-8"))
    ends = [row for call in told["calls"] if call["op"] == "updateResult" for row in call["rows"]]
    code = next(row["maSoHoSo"] for row in ends if row["maSoHoSo"].startswith("VL-2015-0001"))
    for row in ends:
        if row["maSoHoSo"] == code:
            row["ngayHoanThanh"] = row["ngayNhanKetQua"] = "30/12/2015 23:59:59"
    (tmp_path / "vinh-linh.json").write_text(json.dumps(told), "utf-8")
    after = counts_of(tmp_path)
    key = table.key_of("H50.14", date(2015, 1, 1), date(2015, 12, 31))
    assert after[key]["buckets"]["late"] == before[key]["buckets"]["late"] + 1
    assert not table.is_wrong(table.blocks(before, before))
    assert table.is_wrong(table.blocks(before, after))
    assert table.differing(before, after)
