import json
import tomllib
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.police_plates import handover, reader, simulator, tcvn3
from canonical.errors import Garbled
from canonical.mapping import compile_mapping
from canonical.ports import BadRow, Row
from canonical.reasons import Reason
from canonical.record import Record, to_record

HERE = Path(reader.__file__).parent
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HEAD = ",".join(reader.COLUMNS)
SMALL = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
TOPONYMS = (
    "nguyễn trường tộ, thị xã quảng trị; hải lăng; triệu phong; gio linh; cam lộ; hướng hóa; "
    "đakrông; vĩnh linh; cồn cỏ; đông hà; khe sanh; lao bảo; hồ xá; ái tử; cửa việt; nghiêng "
    "quyển khuỷu ngoẵng huỳnh thuở uống rượu đường được người khoẻ thuế tuyết nguệch ngoạc sơn trà"
)


def a_row(number: int, **said: str) -> dict[str, str]:
    return {
        "SO_HO_SO": f"74-DKX-2026-{number:05d}",
        "MA_THU_TUC": "DKX01",
        "TEN_CHU_XE": "Nguyễn Văn Thử",
        "NGAY_NOP": "20/11/2026 08:15",
        "NGAY_HEN": "24/11/2026",
        "TINH_TRANG": "Mới tiếp nhận",
    } | said


def as_csv(*rows: dict[str, str]) -> bytes:
    lines = [",".join(row.get(name, "") for name in reader.COLUMNS) for row in rows]
    return "\r\n".join([HEAD, *lines, ""]).encode()


def mapped(**said: str) -> Record:
    mapping = compile_mapping(tomllib.loads((HERE / "mapping.toml").read_text("utf-8")))
    shape = mapping.shapes["ho_so"]
    values = dict.fromkeys(reader.COLUMNS, "") | a_row(1, **said)
    told = shape.apply(values)
    assert isinstance(told, dict)
    record = to_record(told, 0, now=NOW, version_by=shape.version_by)
    assert isinstance(record, Record)
    return record


class TestTcvn3:
    def test_every_letter_comes_back_from_an_encoder_built_apart(self):
        assert len(SMALL) == 12 * 6 + 1
        for letter in SMALL + "ĂÂÊÔƠƯĐ":
            assert tcvn3.decode(simulator.to_tcvn3(letter)) == letter
            assert unicodedata.is_normalized("NFC", letter)

    def test_the_set_is_ascii_the_blank_67_small_letters_and_7_capitals(self):
        upper = {code: letter for code, letter in tcvn3.TABLE.items() if code >= 0x80}
        assert len(upper) == 75
        assert set(upper.values()) == {"\u00a0", *"ĂÂÊÔƠƯĐ", *(c for c in SMALL if ord(c) > 0x7F)}

    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            ("NguyÔn V¨n A".encode("latin-1"), "Nguyễn Văn A"),
            ("B¶o Th¾ng".encode("latin-1"), "Bảo Thắng"),
            (b"M\xad\xeang Kh\xad\xacng", "Mường Khương"),
            (b"\xa7\xabng H\xb5", "Đông Hà"),
            (b"plain", "plain"),
            (b"", ""),
        ],
    )
    def test_texts_known_from_old_files(self, raw, text):
        assert tcvn3.decode(raw) == text

    def test_a_toned_capital_arrives_small_and_is_kept_so(self):
        assert tcvn3.decode(simulator.to_tcvn3("NGUYỄN ĐỨC")) == "NGUYễN ĐứC"

    @pytest.mark.parametrize("byte", sorted(set(range(256)) - set(tcvn3.TABLE)))
    def test_a_byte_outside_the_set_is_refused(self, byte):
        with pytest.raises(ValueError, match="does not hold"):
            tcvn3.decode(b"Nguy\xd4n " + bytes([byte]))

    @pytest.mark.parametrize("word", sorted(set(TOPONYMS.split())))
    def test_neither_encoding_passes_for_the_other(self, word):
        if word.isascii():
            return
        with pytest.raises(UnicodeDecodeError):
            simulator.to_tcvn3(word).decode("utf-8")
        with pytest.raises(ValueError):
            tcvn3.decode(word.encode())


class TestReader:
    def test_undeclared_tcvn3_is_refused_row_by_row_and_never_mojibake(self):
        lines = as_csv(a_row(1), a_row(2), a_row(3)).split(b"\r\n")
        lines[2] = simulator.to_tcvn3(lines[2].decode())
        first, second, third = reader.rows("csv", b"\r\n".join(lines))
        assert isinstance(first, Row)
        assert isinstance(third, Row)
        assert second == BadRow(Reason.ENC_INVALID, "TEN_CHU_XE", "74-DKX-2026-00002")

    def test_the_same_rows_come_from_all_three_forms(self):
        rows = [
            dict.fromkeys(reader.COLUMNS, "") | a_row(n, DIA_CHI='Số "1", Hồ Xá,\nVĩnh Linh')
            for n in range(3)
        ]
        forms = {}
        for form, encoding, shape in (
            ("csv", "utf-8", "csv"),
            ("csv", "tcvn3", "csv-tcvn3"),
            ("xml", "utf-8", "xml"),
        ):
            found = reader.rows(shape, simulator._file(rows, form, encoding))
            assert all(isinstance(row, Row) for row in found)
            forms[shape] = [{k: v or "" for k, v in row.values.items()} for row in found]
        assert forms["csv"] == forms["csv-tcvn3"] == forms["xml"] == rows

    @pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
    def test_line_ends_a_mark_and_blank_lines_do_not_matter(self, end):
        raw = b"\xef\xbb\xbf" + as_csv(a_row(1), a_row(2)).replace(b"\r\n", end) + end
        assert len(reader.rows("csv", raw)) == 2

    def test_a_row_with_another_number_of_cells_is_refused_alone(self):
        raw = as_csv(a_row(1), a_row(2, DIA_CHI="Thôn 1, xã 2"), a_row(3))
        _, bad, last = reader.rows("csv", raw)
        assert bad == BadRow(Reason.BODY_MALFORMED, None, "74-DKX-2026-00002")
        assert isinstance(last, Row)

    def test_a_column_more_is_kept_and_shows_as_drift(self):
        raw = as_csv(a_row(1)).replace(b"TINH_TRANG\r\n", b"TINH_TRANG,MAU\r\n")
        raw = raw.replace("nhận\r\n".encode(), "nhận,Đỏ\r\n".encode())
        (row,) = reader.rows("csv", raw)
        assert isinstance(row, Row)
        assert row.values["MAU"] == "Đỏ"
        mapping = compile_mapping(tomllib.loads((HERE / "mapping.toml").read_text("utf-8")))
        assert set(row.values) - mapping.shapes["ho_so"].known == {"MAU"}

    @pytest.mark.parametrize(
        ("shape", "raw", "reason"),
        [
            ("csv", b"", Reason.BODY_MALFORMED),
            ("csv", b"\r\n\r\n", Reason.BODY_MALFORMED),
            ("csv", HEAD.replace("NGAY_HEN,", "").encode(), Reason.SCHEMA_DRIFT),
            ("csv", HEAD.replace(",", ";").encode(), Reason.SCHEMA_DRIFT),
            ("csv", f"{HEAD},BIEN_SO".encode(), Reason.SCHEMA_DRIFT),
            ("csv", f"{HEAD},".encode(), Reason.SCHEMA_DRIFT),
            ("csv", HEAD.encode() + b",M\xcdU", Reason.ENC_INVALID),
            ("csv", HEAD.encode() + b",\0", Reason.ENC_INVALID),
            ("csv", HEAD.encode() + b'\r\n"74-DKX', Reason.BODY_TRUNCATED),
            ("csv", b"<!DOCTYPE html><html></html>", Reason.CTYPE_UNEXPECTED),
            ("csv-tcvn3", b"\n <HTML><body>", Reason.CTYPE_UNEXPECTED),
            ("xml", b"<html></html>", Reason.CTYPE_UNEXPECTED),
            ("xml", b"", Reason.BODY_MALFORMED),
            ("xml", b"<KHAC/>", Reason.SCHEMA_DRIFT),
            ("xml", b"<DANH_SACH><HS/></DANH_SACH>", Reason.SCHEMA_DRIFT),
            ("xml", b"<DANH_SACH><HO_SO>", Reason.BODY_TRUNCATED),
            ("xml", b"<DANH_SACH>\xd4</DANH_SACH>", Reason.ENC_INVALID),
            ("xml", b"<DANH_SACH>\0</DANH_SACH>", Reason.ENC_INVALID),
            ("xml", "<DANH_SACH/>".encode("utf-16"), Reason.ENC_INVALID),
            # UTF-8 bytes that lxml would read as the other encoding, silently
            ("xml", b"<?xml version='1.0' encoding='latin1'?><DANH_SACH/>", Reason.ENC_INVALID),
            ("xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><DANH_SACH/>", Reason.XML_FORBIDDEN),
            ("json", b"[]", Reason.BODY_MALFORMED),
        ],
    )
    def test_a_file_outside_the_contract_is_refused_whole(self, shape, raw, reason):
        with pytest.raises(Garbled) as failure:
            reader.rows(shape, raw)
        assert failure.value.reason is reason

    @given(st.sampled_from(["csv", "csv-tcvn3", "xml"]), st.binary(max_size=200), st.booleans())
    def test_no_bytes_end_in_anything_but_rows_or_garbled(self, shape, raw, has_header):
        body = HEAD.encode() + b"\r\n" + raw if has_header else raw
        try:
            found = reader.rows(shape, body)
        except Garbled:
            return
        assert found == reader.rows(shape, body)


class TestMapping:
    def test_a_plate_is_a_result_only_once_the_work_has_ended(self):
        assert mapped(BIEN_SO="74ZZ-200.01").says["results"] is None
        done = mapped(BIEN_SO="74ZZ-200.01", TINH_TRANG="Đã có kết quả")
        assert done.says["results"][0]["code"] == "74ZZ-200.01"
        assert mapped(TINH_TRANG="Đã có kết quả").says["results"] is None

    @pytest.mark.parametrize(
        ("word", "field"),
        [
            ("Không tiếp nhận", "refused_at"),
            ("Công dân xin rút", "withdrawn_at"),
            ("Trả lại hồ sơ", "stopped_at"),
        ],
    )
    def test_an_early_end_is_the_one_the_state_names_and_the_others_say_none(self, word, field):
        says = mapped(TINH_TRANG=word, NGAY_DUNG="23/11/2026 09:00").says
        ends = {name: says[name] for name in ("refused_at", "withdrawn_at", "stopped_at")}
        assert ends == dict.fromkeys(ends) | {field: "2026-11-23T09:00:00+07:00"}
        assert (says["accepted_at"] is None) == (field == "refused_at")

    def test_a_state_put_right_takes_back_its_early_end(self):
        says = mapped(NGAY_DUNG="23/11/2026 09:00").says
        assert says["stopped_at"] is says["withdrawn_at"] is says["refused_at"] is None

    def test_the_source_states_no_version_and_no_time(self):
        assert (mapped().version, mapped().updated_at) == (None, None)


class TestHandover:
    GOOD = {
        "ngay": "2026-11-20",
        "so_thu_tu": 1,
        "tep": [
            {
                "ten": "hoso.csv",
                "dang": "csv",
                "bang_ma": "utf-8",
                "so_ban_ghi": 0,
                "sha256": "0" * 64,
            }
        ],
    }

    def test_the_schema_names_what_the_hub_reads(self):
        schema = json.loads((HERE / "contract" / "manifest.schema.json").read_text("utf-8"))
        assert schema["required"] == list(handover.Day.__struct_fields__)
        files = schema["properties"]["tep"]["items"]
        assert files["required"] == list(handover.File.__struct_fields__)

    def test_a_day_reads(self):
        day = handover.to_day(json.dumps(self.GOOD).encode(), "20261120")
        assert day.tep[0].shape == "csv"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"ngay": "2026-11-21"}, Reason.BODY_MALFORMED),
            ({"ngay": "20261120"}, Reason.BODY_MALFORMED),
            ({"so_thu_tu": 0}, Reason.BODY_MALFORMED),
            ({"so_thu_tu": True}, Reason.BODY_MALFORMED),
            ({"so_thu_tu": "1"}, Reason.BODY_MALFORMED),
            ({"tep": {}}, Reason.BODY_MALFORMED),
            ({"tep": GOOD["tep"] * 2}, Reason.BODY_MALFORMED),
            ({"nen": "gzip"}, Reason.SCHEMA_DRIFT),
            ({"tep": [GOOD["tep"][0] | {"phan_cach": ";"}]}, Reason.SCHEMA_DRIFT),
            ({"tep": [GOOD["tep"][0] | {"sha256": "0" * 63}]}, Reason.BODY_MALFORMED),
            ({"tep": [GOOD["tep"][0] | {"so_ban_ghi": -1}]}, Reason.BODY_MALFORMED),
            ({"tep": [GOOD["tep"][0] | {"bang_ma": "vni"}]}, Reason.BODY_MALFORMED),
            (
                {"tep": [GOOD["tep"][0] | {"dang": "xml", "bang_ma": "tcvn3"}]},
                Reason.ENC_INVALID,
            ),
        ],
    )
    def test_a_manifest_outside_the_contract_is_refused(self, change, reason):
        with pytest.raises(Garbled) as failure:
            handover.to_day(json.dumps(self.GOOD | change).encode(), "20261120")
        assert failure.value.reason is reason

    def test_a_manifest_cut_anywhere_is_truncated_and_not_something_else(self):
        whole = json.dumps(self.GOOD).encode()
        for end in range(1, len(whole)):
            with pytest.raises(Garbled) as failure:
                handover.to_day(whole[:end], "20261120")
            assert failure.value.reason is Reason.BODY_TRUNCATED, whole[:end]

    @pytest.mark.parametrize("raw", [b"", b"[]", b"{,}", b"\xff{}", b'{"ngay":1,"ngay":2}'])
    def test_what_never_was_a_manifest_is_refused(self, raw):
        with pytest.raises(Garbled):
            handover.to_day(raw, "20261120")
