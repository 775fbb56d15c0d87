"""Safe XML: what is forbidden, a cut body against a broken one, and elements as plain values."""

import time

import pytest
from lxml import etree

from canonical.errors import Garbled
from canonical.reading import xml
from canonical.reasons import Reason

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<!-- one page --><s:Envelope xmlns:s="urn:s"><s:Body>
<hoSo loai="1 &amp; 2"><ten>Ngày &#273;<![CDATA[ <hẹn> & ]]></ten><trong/></hoSo>
<hoSo><ten>A &amp; B</ten></hoSo></s:Body></s:Envelope>""".encode()


def reason_of(raw: bytes, **options: int) -> Reason:
    with pytest.raises(Garbled) as failure:
        xml.parse(raw, system="transport", **options)
    assert failure.value.system == "transport"
    return failure.value.reason


def value_of(text: str) -> object:
    return xml.to_value(xml.parse(text.encode()))


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b "&c;"><!ENTITY c "&b;">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;',  # forbidden even where it is cut as well
        b"<a>&nbsp;</a>",
    ],
)
def test_a_doctype_or_an_entity_is_forbidden(raw):
    assert reason_of(raw) is Reason.XML_FORBIDDEN


def test_an_entity_bomb_is_refused_before_it_grows():
    entities = '<!ENTITY e0 "lol">' + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12)
    )
    started = time.monotonic()
    assert reason_of(f"<!DOCTYPE a [{entities}]><a>&e11;</a>".encode()) is Reason.XML_FORBIDDEN
    assert time.monotonic() - started < 2


def test_a_body_cut_anywhere_is_truncated():
    told = {cut: reason_of(ANSWER[:cut]) for cut in range(1, len(ANSWER))}
    assert {cut: why for cut, why in told.items() if why is not Reason.BODY_TRUNCATED} == {}


def test_a_broken_body_is_judged_in_time_that_grows_with_its_length():
    started = time.monotonic()
    assert reason_of(b"<a>" + b"&" * 1_000_000) is Reason.BODY_MALFORMED
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  \n ",
        b"plain text",
        b'{"a": 1}',
        b"<a><b></a>",
        b"<a>\n<b>\n</a>\n",  # the wrong end stands on the last line
        b"<a></a><b/>",
        b"<a></a>trailing",
        b"<a b=1/>",
        b'<a b="1" b="2"/>',
        b"<x:a/>",
        b"<a>\x00</a>",
        b"<a>\xff</a>",
        b"<a>&#0;</a>",
        b"<a>Nam & Con</a>",  # built by string concatenation, as the licence system does
        b"<a>AT&T</a>",
        b'<?xml version="1.0" encoding="nope"?><a/>',
    ],
)
def test_a_body_that_no_further_byte_could_mend_is_malformed(raw):
    assert reason_of(raw) is Reason.BODY_MALFORMED


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE html><html><body>502</body></html>",
        b"\n<HTML><BR></HTML>",
        b"\xef\xbb\xbf<!doctype html><html>",
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    ],
)
def test_an_html_page_is_the_wrong_content_and_not_a_broken_body(raw):
    assert reason_of(raw) is Reason.CTYPE_UNEXPECTED


def test_depth_is_taken_to_64_and_no_further():
    assert xml.parse(b"<a>" * 64 + b"</a>" * 64).tag == "a"
    for depth in (65, 250, 300, 50_000):  # beyond 256 the parser stops by itself
        assert reason_of(b"<a>" * depth + b"</a>" * depth) is Reason.XML_FORBIDDEN


def test_bytes_are_counted_before_anything_is_parsed():
    assert reason_of(b"<a>" + b"x" * 100, max_bytes=50) is Reason.BODY_TOO_LARGE
    assert reason_of(b"<a>" + b"x" * 10_500_000 + b"</a>") is Reason.BODY_TOO_LARGE  # one text


def test_nodes_are_counted(monkeypatch):
    monkeypatch.setattr(xml, "MAX_NODES", 10)
    assert len(xml.parse(b"<a>" + b"<b/>" * 9 + b"</a>")) == 9
    assert reason_of(b"<a>" + b"<b/>" * 10 + b"</a>") is Reason.XML_FORBIDDEN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_declared_or_marked_encoding_is_read(encoding):
    assert xml.parse("<a>Đông Hà</a>".encode(encoding)).text == "Đông Hà"


def test_a_name_is_known_without_its_namespace():
    assert xml.local(etree.fromstring('<p:maHoSo xmlns:p="urn:p"/>')) == "maHoSo"


def test_an_element_becomes_text_or_children_by_name():
    assert value_of("<a>x</a>") == "x"
    assert value_of("<a><b>1</b><c><d>2</d></c></a>") == {"b": "1", "c": {"d": "2"}}
    assert value_of('<p:a xmlns:p="urn:p"><p:b>1</p:b></p:a>') == {"b": "1"}
    assert value_of("<a><![CDATA[<x> & y]]></a>") == "<x> & y"
    assert value_of("<a>x<!-- said aside -->y<?and so?>z</a>") == "xyz"


def test_empty_and_nil_are_none_and_blank_text_stays_for_the_mapping_to_judge():
    assert value_of("<a/>") is None
    assert value_of("<a></a>") is None
    assert value_of(f'<a xmlns:i="{XSI}" i:nil="true"/>') is None
    assert value_of(f'<a xmlns:i="{XSI}" i:nil="1"><b/></a>') is None
    assert value_of(f'<a xmlns:i="{XSI}" i:nil="false">x</a>') == "x"
    assert value_of('<a nil="true">x</a>') == "x"  # only the schema's own attribute counts
    assert value_of("<a> </a>") == " "


def test_a_repeated_child_becomes_a_list_in_document_order():
    assert value_of("<a><b>1</b><c>x</c><b>2</b><b>3</b></a>") == {"b": ["1", "2", "3"], "c": "x"}
    assert value_of("<a><b/><b>2</b></a>") == {"b": [None, "2"]}


def test_repeated_children_that_repeat_children_stay_apart():
    text = "<a><b><c>1</c><c>2</c></b><b><c>3</c></b></a>"
    assert value_of(text) == {"b": [{"c": ["1", "2"]}, {"c": "3"}]}
    lists = value_of(text)["b"]
    assert type(lists) is list  # the marker of a repeated child stays inside


@pytest.mark.parametrize("before", ["", "<?xml version='1.0'?>\n", f"<!-- {'x' * 10_000} -->"])
def test_the_outermost_name_is_told_by_the_beginning_alone(before):
    raw = f"{before}<s:Envelope xmlns:s='urn:s'><a/>".encode()  # nobody looks for its end
    assert xml.opening(raw) == "{urn:s}Envelope"


@pytest.mark.parametrize("raw", [b"", b"  ", b"no xml", b"<!-- only this -->"])
def test_a_body_without_an_element_has_no_outermost_name(raw):
    with pytest.raises(Garbled):
        xml.opening(raw)
