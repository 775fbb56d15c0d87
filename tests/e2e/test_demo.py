"""`hub demo` as somebody starts it: a process, real sockets, the interview's figures at the end."""

import json
import os
import pty
import re
import select
import shutil
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
LONGEST_S = 400  # a test machine under load; alone it takes a minute

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


class Demo:
    """`hub demo` in a terminal: what it printed, and the process that serves it until Ctrl-C."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._told = folder / "told.txt"
        self.terminal, theirs = pty.openpty()
        with self._told.open("wb") as told:
            self.process = subprocess.Popen(
                [HUB, "demo"],
                env=environment(folder),
                stdin=theirs,
                stdout=theirs,
                stderr=told,
                start_new_session=True,
                # Who runs the tests behind an `&` has Ctrl-C ignored, and so would this process.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        os.close(theirs)
        self.stdout = self._until("Ctrl-C").decode().replace("\r\n", "\n")

    @property
    def stderr(self) -> str:
        return self._told.read_text("utf-8")

    def _until(self, wanted: str) -> bytes:
        """What it prints until it has said this."""
        seen, end = b"", time.monotonic() + LONGEST_S
        while wanted not in self.stderr and self.process.poll() is None:
            assert time.monotonic() < end, self.stderr[-2000:]
            seen += self._printed(0.5)
        assert wanted in self.stderr, self.stderr[-2000:]
        while more := self._printed(0.2):
            seen += more
        return seen

    def _printed(self, seconds: float) -> bytes:
        if not select.select([self.terminal], [], [], seconds)[0]:
            return b""
        return os.read(self.terminal, 65_536)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.terminal)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    made = Demo(folder)
    yield made
    made.close()


@pytest.mark.long_form
def test_without_a_terminal_it_prints_the_same_and_ends(tmp_path):
    done = subprocess.run(
        [HUB, "demo", "--once"],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "mọi số in trong bài đều khớp" in done.stdout
    assert "không mất, không trùng" in done.stdout.splitlines()[-1]


def test_it_ends_well_and_says_that_every_printed_figure_is_equal(demo):
    assert "KẾT QUẢ: mọi số in trong bài đều khớp" in demo.stdout
    assert "KHÁC" not in demo.stdout
    assert "Traceback" not in demo.stderr


@pytest.mark.parametrize(("unit", "figures"), PRINTED.items())
def test_the_table_shows_each_printed_figure_three_times_and_calls_it_equal(demo, unit, figures):
    block = demo.stdout.split(f"\n{unit} (", 1)[1].split("\n\n", 1)[0]
    found = re.findall(r"^  \S.*?\s(\d[\d.]*) +(\d[\d.]*) +(\d[\d.]*)   bằng$", block, re.MULTILINE)
    assert found == [(figure,) * 3 for figure in figures]


def test_what_the_interview_does_not_print_is_called_assumed_with_a_reason(demo):
    assert re.search(r"không in +196 +196   giả định: 196 hồ sơ", demo.stdout)
    assert re.search(r"trên 95 % +95,4 % +95,4 %   bằng", demo.stdout)


def test_every_system_gave_records_and_each_has_a_disposition(demo):
    for connection in (*("dong-ha", "vinh-linh", "one_stop", "transport"), "police_plates", "tax"):
        line = re.search(rf"^{connection} +(.*)$", demo.stdout, re.MULTILINE)
        assert line is not None, connection
        _, records, *dispositions = (int(n.replace(".", "")) for n in line[1].split())
        assert records == sum(dispositions) > 0
        assert dispositions[-1] > 0, "bad rows are part of the demo"


def test_one_tie_came_late_and_one_doubtful_tie_was_not_joined(demo):
    assert "joined ở dòng thay đổi số" in demo.stdout
    assert "TIE_DOUBTFUL; vẫn là hồ sơ riêng" in demo.stdout
    assert "[financial]" in demo.stdout


def section(page: str, title: str) -> str:
    """The lines below a title, to the next title."""
    below = page.split(f"\n{title}", 1)[1].split("=\n", 1)[1]
    return re.split(r"\n\n[^\n]+\n=+\n", below)[0]


def test_it_ends_with_a_proof_that_holds(demo):
    last = demo.stdout.splitlines()[-1]
    told = re.fullmatch(
        r"hub verify: (\d+) phép kiểm, 0 sai; .* ([\d.]+) bản ghi, .*: không mất, không trùng", last
    )
    assert told is not None, last
    assert int(told[1]) > 20
    assert int(told[2].replace(".", "")) > 30_000


def test_every_department_that_is_asked_has_a_schedule_a_next_time_and_a_breaker(demo):
    lines = section(demo.stdout, "Lịch hỏi các hệ thống").splitlines()
    form = r"(\S+) +\S+ \* \* \* \* +\S+ xong, [\d.]+ bản ghi +\d\d:\d\d:\d\d +đóng .*"
    asked = {told[1] for line in lines if (told := re.fullmatch(form, line))}
    assert asked == {
        *("dong-ha", "vinh-linh", "one_stop", "transport", "business_registry"),
        *("police_plates", "tax"),
    }


@pytest.mark.parametrize("receiver", ["cong-tinh", "cong-quoc-gia"])
def test_every_change_was_told_once_and_in_order(demo, receiver):
    told = section(demo.stdout, "Báo thay đổi tới các nơi nhận")
    line = re.search(rf"^{receiver} +(.*)$", told, re.MULTILINE)
    delivered, _, *rest = (int(number) for number in line[1].split())
    assert delivered > 20
    assert rest == [0, 0, 0, 0, 0], "parked, dead, out of order, twice, missing"
    assert "đã nhận, hết cảnh báo" in told


def test_one_dossier_went_from_the_counter_to_the_department_and_to_the_portals(demo):
    way = section(demo.stdout, "Đường đi của một hồ sơ")
    steps = re.findall(
        r"^  (\S+):\S+ → trục, thay đổi số (\d+) \((\S+), (\w+)\)\n    → cong-tinh, sự kiện \S+$",
        way,
        re.MULTILINE,
    )
    told = [(source, kind, status) for source, _, kind, status in steps]
    assert told[0] == ("quay-gplx", "mới", "accepted")
    assert told[1] == ("transport", "đổi", "accepted")
    assert told[-1] == ("transport", "đổi", "in_progress")
    assert [int(seq) for _, seq, _, _ in steps] == sorted(int(seq) for _, seq, _, _ in steps)
    assert "TrangThaiHoSo lần lượt: 2 → 4" in way


def test_the_licence_was_filed_once_with_its_papers(demo):
    told = section(demo.stdout, "Trục nộp hồ sơ thay cho quầy")
    assert re.search(r"Sở cấp MaDK 45001-\d{8}-\d+;", told)
    assert "giấy tờ đã gửi 2/2; sổ của Sở có 1 hồ sơ mang số này" in told
    assert "[accepted] thành [in_progress]" in told


def test_the_governments_portal_was_told_a_month_and_then_what_moved_it(demo):
    told = section(demo.stdout, "Chỉ số gửi Cổng")
    totals = re.findall(r"lần (\d) \(.*?\): tiếp nhận (\d+)", told)
    assert [revision for revision, _ in totals] == ["1", "2"]
    assert int(totals[1][1]) == int(totals[0][1]) + 1
    assert "lý do: " in told
    assert "bản mới nhất so với trục tính: bằng" in told
    assert "áp dụng 1, còn lỗi 0" in section(demo.stdout, "Một bản ghi cách ly được sửa")


def test_every_command_printed_for_whoever_is_on_call_works_as_printed(demo, folder):
    first, *typed = section(demo.stdout, "Lệnh cho người vận hành").strip().splitlines()
    assert first.startswith(f"export HUB_DATA_DIR={folder}/demo ")
    assert {line.split()[1] for line in typed} == {
        *("connections", "receivers", "deliveries", "filings", "publications"),
        *("quarantine", "alarms", "verify"),
    }
    for line in typed:
        done = subprocess.run(
            ["bash", "-c", f"{first}\n{line}"],
            env=environment(folder / "elsewhere"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr[-2000:])
        assert done.stdout.strip(), line


def test_nobody_is_called_but_this_machine(demo):
    hosts = set(re.findall(r"https?://([^/:\s']+)", demo.stdout))
    assert hosts == {"127.0.0.1"}


def test_in_a_terminal_it_serves_what_it_printed_until_ctrl_c(demo):
    page = demo.stdout
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
    assert_the_printed_lines_can_be_typed(page)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=60) == 0
    assert demo.stderr.rstrip().endswith("Xong")


def assert_the_printed_lines_can_be_typed(page: str) -> None:
    if shutil.which("curl") is None:
        return  # the look-up above was asked without it
    typed = section(page, "Ba lệnh để thử")
    done = subprocess.run(
        ["bash", "-e", "-c", typed], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"applied":1' in done.stdout.replace(" ", ""), done.stdout[-2000:]


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
