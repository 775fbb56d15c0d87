"""What the founding interview printed (Báo Quảng Trị, July 2016), and what it left out.

The four unit-and-period lines are those of the interview. Where it prints no figure the demo must
assume one so that there is something to count; each assumption is named here with its reason and
shown as assumed.
"""

from datetime import date

from msgspec import Struct

EARLY, ON_TIME, LATE = "early", "on_time", "late"
IN_TERM, RETURNED = "open_in_term", "returned"
BUCKETS_VI = {
    EARLY: "trả trước hẹn",
    ON_TIME: "trả đúng hẹn",
    LATE: "trả trễ hẹn",
    IN_TERM: "đang trong thời hạn",
    RETURNED: "trả lại do không hợp lệ",
}


class Line(Struct, frozen=True):
    """One unit in one period.

    Attributes:
        connection: The hub's connection, and the namespace of the unit's codes.
        app_code: The unit in its own app's words (maDonViTiepNhan).
        end: Last day, inclusive; everything is judged at its end.
        total: Received and handled, as printed.
        printed: Bucket -> figure as printed.
        made: Bucket -> how many dossiers the simulated unit holds; adds up to `total`.
        online: How many were handed in over the internet (assumed: the interview is silent).
        assumed: Bucket -> why there is a figure although none was printed.
        share_over: Early and on time together, printed as "over … %" of the total; else None.
    """

    connection: str
    agency: str
    app_code: str
    unit: str
    period: str
    start: date
    end: date
    total: int
    printed: dict[str, int]
    made: dict[str, int]
    online: int
    assumed: dict[str, str] = {}
    share_over: int | None = None


_NOT_SPLIT = "bài chỉ in “trên 95 %”, không tách"
LINES = (
    Line(
        connection="dong-ha",
        agency="H50.12",
        app_code="DH",
        unit="UBND thành phố Đông Hà",
        period="năm 2015",
        start=date(2015, 1, 1),
        end=date(2015, 12, 31),
        total=4_833,
        printed={EARLY: 212, ON_TIME: 4_396, LATE: 29},
        made={EARLY: 212, ON_TIME: 4_396, LATE: 29, RETURNED: 196},
        online=160,
        assumed={
            # "đã tiếp nhận và xử lý": handled, so no longer open; and neither early, on time nor
            # late. Of the interview's buckets only this one is left.
            RETURNED: "196 hồ sơ bài không giải thích; “đã xử lý” nên coi là trả lại"
        },
    ),
    Line(
        connection="dong-ha",
        agency="H50.12",
        app_code="DH",
        unit="UBND thành phố Đông Hà",
        period="6 tháng đầu năm 2016",
        start=date(2016, 1, 1),
        end=date(2016, 6, 30),
        total=2_264,
        printed={},
        made={EARLY: 690, ON_TIME: 1_470, LATE: 38, IN_TERM: 14, RETURNED: 52},
        online=180,
        assumed=dict.fromkeys((EARLY, ON_TIME, LATE, IN_TERM, RETURNED), _NOT_SPLIT),
        share_over=95,
    ),
    Line(
        connection="vinh-linh",
        agency="H50.14",
        app_code="VL",
        unit="UBND huyện Vĩnh Linh",
        period="năm 2015",
        start=date(2015, 1, 1),
        end=date(2015, 12, 31),
        total=1_193,
        printed={EARLY: 495, ON_TIME: 638, LATE: 30, RETURNED: 30},
        made={EARLY: 495, ON_TIME: 638, LATE: 30, RETURNED: 30},
        online=70,
    ),
    Line(
        connection="vinh-linh",
        agency="H50.14",
        app_code="VL",
        unit="UBND huyện Vĩnh Linh",
        period="6 tháng đầu năm 2016",
        start=date(2016, 1, 1),
        end=date(2016, 6, 30),
        total=1_532,
        printed={EARLY: 1_311, ON_TIME: 103, LATE: 27, IN_TERM: 13, RETURNED: 78},
        made={EARLY: 1_311, ON_TIME: 103, LATE: 27, IN_TERM: 13, RETURNED: 78},
        online=120,
    ),
)
PROVINCE = "H50"
