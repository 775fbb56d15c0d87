"""A contract damaged anywhere is described, or refused in one sentence; nothing else happens."""

import copy
import json
import random
from collections import Counter
from typing import Any

from lxml import etree

from adapters.declared import ContractFault, describe, draft
from adapters.declared.wsdl import Wsdl
from tests.unit.adapters.test_declared_contracts import OPENAPI, SAMPLE, SEVERAL

ODD = ["", "x", "a:b", "tns:x", " ", "::", "0", "unbounded", "é", "tns:HoSo", "xs:string"]
ODD_JSON: list[Any] = [None, 5, "x", [], {}, [1], {"$ref": "#/components/schemas/Trang"}]
ODD_JSON += [{"$ref": 5}, True, {"type": 5}, {"type": []}]


def outcome(files: dict[str, bytes]) -> str:
    try:
        contract = describe(files)
    except ContractFault as fault:
        is_one_line = "\n" not in fault.sentence("vi") + fault.sentence("en")
        return "refused" if is_one_line else "several lines"
    for operation in contract.operations:
        draft(contract, operation.name)
        draft(contract, operation.name, is_push=True)
    if contract.kind == "wsdl":
        Wsdl(files).served("http://127.0.0.1:9/")
    return "described"


def damaged(raw: bytes, dice: random.Random) -> bytes:
    root = etree.fromstring(raw)
    elements = [e for e in root.iter() if isinstance(e.tag, str)]
    for _ in range(dice.randrange(1, 4)):
        one, other = dice.choice(elements), dice.choice(elements)
        above: Any = one.getparent()
        match dice.randrange(6):
            case 0 if above is not None:
                above.remove(one)
            case 1 if one.attrib:
                del one.attrib[dice.choice(list(one.attrib))]
            case 2 if one.attrib:
                one.set(dice.choice(list(one.attrib)), dice.choice(ODD))
            case 3:
                one.tag = other.tag
            case 4 if above is not None:
                other.append(copy.deepcopy(one))
            case _:
                one.text = "x"
    return etree.tostring(root)


def test_a_wsdl_damaged_anywhere() -> None:
    dice = random.Random(5)
    told = Counter(outcome({"a.wsdl": damaged(SAMPLE, dice)}) for _ in range(400))
    for _ in range(300):
        name = dice.choice(list(SEVERAL))
        told[outcome({**SEVERAL, name: damaged(SEVERAL[name], dice)})] += 1
    assert set(told) == {"described", "refused"}
    assert min(told.values()) > 100


def spots(value: Any) -> list[tuple[Any, Any]]:
    found = []
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else items:
        found += [(value, key), *spots(inner)]
    return found


def test_an_openapi_document_damaged_anywhere() -> None:
    dice, told = random.Random(6), Counter[str]()
    for _ in range(500):
        changed = copy.deepcopy(OPENAPI)
        place, key = dice.choice(spots(changed))
        place[key] = dice.choice(ODD_JSON)
        told[outcome({"a.json": json.dumps(changed).encode()})] += 1
    assert set(told) == {"described", "refused"}
    assert min(told.values()) > 50
