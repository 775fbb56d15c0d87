"""What the parts of a declaration mean together: refused here, before anything is asked. Pure."""

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.declared import templates
from adapters.declared.bodies import ENCODINGS
from adapters.declared.contracts import Contract, Field
from adapters.declared.declaration import (
    Answers,
    Declaration,
    DeclarationFault,
    DoorOperation,
    Pull,
    Request,
)
from canonical.mapping import MappingFault, compile_mapping
from canonical.mapping.bounded import ExpressionFault, compile_expression
from canonical.mapping.transforms import Transform

_OF_A_PAGE = frozenset(
    {"since", "until", "page", "offset", "offset_end", "page_size", "cursor", "session"}
)
_OF_THE_REST = frozenset({"ids", "batch", "session"})
_OF_AN_ANSWER = frozenset(
    {"code", "count", "accepted", "refused", "reason", "sentence", "field", "reasons"}
)
_XML_PATH = re.compile(r"\.|(?:[^\s/@\[\]]+)(?:/[^\s/@\[\]]+)*\Z")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}\Z")


def check(
    told: Declaration, contract: Contract | None, door: Contract | None, own: dict[str, Transform]
) -> None:
    """Nothing where the declaration can be used.

    Args:
        told: The declaration.
        contract: Of [soap]; None where there is none.
        door: Of [push.door]; None where there is none.
        own: Transforms besides the hub's.

    Raises:
        DeclarationFault: one sentence that begins with the place.
    """
    _check_parts(told)
    _check_names(told)
    _check_auth(told)
    if told.pull is not None:
        _check_pull(told, told.pull)
    for place, request, known in _requests(told):
        _check_request(told, place, request, known, contract)
    if told.push is not None and told.push.door is not None and door is not None:
        for at, operation in enumerate(told.push.door.operations):
            _check_operation(told, operation, f"push.door.operations[{at}]", door)
    _check_mapping(told, own)


def _check_parts(told: Declaration) -> None:
    has = {name: getattr(told, name) is not None for name in ("pull", "drop", "push", "soap")}
    if told.kind == "file" and (not has["drop"] or has["pull"] or has["soap"]):
        raise DeclarationFault("kind file: needs [drop], and neither [pull] nor [soap]")
    if told.kind != "file" and has["drop"]:
        raise DeclarationFault(f"drop: a folder is read by kind file, not {told.kind}")
    if told.kind != "file" and not (has["pull"] or has["push"]):
        raise DeclarationFault(f"kind {told.kind}: needs [pull], [push], or both")
    if told.kind == "rest" and has["soap"]:
        raise DeclarationFault("soap: belongs to kind soap")
    if told.openapi is not None and (told.kind != "rest" or not has["pull"]):
        raise DeclarationFault("openapi: belongs to kind rest with [pull]")
    if told.kind == "soap" and has["pull"] and not has["soap"]:
        raise DeclarationFault("kind soap: [pull] needs [soap] with its contract")
    if has["push"] and told.push is not None and not (told.push.native or told.push.door):
        raise DeclarationFault("push: needs [push.native] or [push.door]")


def _check_names(told: Declaration) -> None:
    try:
        ZoneInfo(told.time_zone)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError of its own
        raise DeclarationFault(f"time_zone: {told.time_zone!r} is no zone") from None
    except KeyError:
        raise DeclarationFault(f"time_zone: {told.time_zone!r} is no zone") from None
    native = told.push.native if told.push else None
    places = {
        "pull.answer.encoding": told.pull.answer.encoding if told.pull else "utf-8",
        "drop.encoding": told.drop.encoding if told.drop else "utf-8",
        "push.native.encoding": native.encoding if native else "utf-8",
    }
    for place, encoding in places.items():
        if encoding not in ENCODINGS:
            raise DeclarationFault(f"{place}: {encoding!r} is none of {', '.join(ENCODINGS)}")
    for at, rule in enumerate(told.errors):
        form = told.pull.answer.format if told.pull else "json"
        _check_path(f"errors[{at}].field", rule.field, form, told)
        if rule.text_has and not rule.text:
            raise DeclarationFault(f"errors[{at}]: text_has needs the field text")
        if rule.values and rule.good_values:
            raise DeclarationFault(f"errors[{at}]: values and good_values exclude each other")


def _check_auth(told: Declaration) -> None:
    auth, soap = told.auth, told.soap
    if auth.kind != "none" and auth.secret not in told.secrets:
        raise DeclarationFault(f"auth.secret: {auth.secret!r} is not among `secrets`")
    if auth.kind in ("header", "query") and not _HEADER.match(auth.name):
        raise DeclarationFault(f"auth.name: kind {auth.kind} needs the name it travels under")
    if soap is not None and bool(soap.wsse_user) != bool(soap.wsse_secret):
        raise DeclarationFault("soap: wsse_user and wsse_secret go together")
    if soap is not None and soap.wsse_secret and soap.wsse_secret not in told.secrets:
        raise DeclarationFault(f"soap.wsse_secret: {soap.wsse_secret!r} is not among `secrets`")
    for place, user in (("auth.user", auth.user), ("soap.wsse_user", soap and soap.wsse_user)):
        for name in templates.places(user or ""):
            if not _is_setting(told, name):
                raise DeclarationFault(f"{place}: nothing is called {{{name}}} here")
    login = told.login
    if login is not None and told.pull is None:
        raise DeclarationFault("login: nothing is asked, so nobody logs in")
    if login is not None and login.request.operation and login.taken_from != "field":
        raise DeclarationFault("login.taken_from: of a SOAP operation only a field can be had")


def _check_pull(told: Declaration, pull: Pull) -> None:
    answer, paging = pull.answer, pull.paging
    for place, path in (
        ("pull.answer.records", answer.records),
        ("pull.answer.total", answer.total),
        ("pull.paging.next", paging.next),
        ("pull.paging.more", paging.more),
    ):
        if path:
            _check_path(place, path, answer.format, told)
    named = set(_places(pull.request))
    needs = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(paging.kind)
    if needs and needs not in named:
        raise DeclarationFault(f"pull.request: paging by {paging.kind} needs {{{needs}}} in it")
    if paging.kind == "cursor" and not paging.next:
        raise DeclarationFault("pull.paging.next: a cursor is read from the answer; say where")
    if paging.kind == "flag" and not paging.more:
        raise DeclarationFault("pull.paging.more: the flag is read from the answer; say where")
    moves = named & {"page", "offset", "cursor"}
    if paging.kind == "flag" and not moves and pull.acknowledge is None:
        raise DeclarationFault(
            "pull.paging: a flag without {page}, {offset}, {cursor} or [pull.acknowledge] asks for"
            " one page for ever"
        )
    if pull.acknowledge is not None and paging.kind in ("page", "offset"):
        raise DeclarationFault(
            f"pull.paging: what is acknowledged moves up, so that paging by {paging.kind} would"
            " skip records; use flag or cursor"
        )
    if told.kind == "soap" and paging.kind == "link":
        raise DeclarationFault("pull.paging: SOAP has no links")
    if pull.lists_all and pull.since_default:
        raise DeclarationFault(
            "pull.lists_all: with since_default what is older is missing from its list"
        )
    _check_moments(pull)


def _check_moments(pull: Pull) -> None:
    for place, form in (("since_format", pull.since_format), ("until_format", pull.until_format)):
        if form and form not in templates.FORMS and "%" not in form:
            raise DeclarationFault(
                f"pull.{place}: {form!r} is neither {', '.join(templates.FORMS)} nor strftime"
            )
    if pull.since_default:
        try:
            datetime.fromisoformat(pull.since_default)
        except ValueError:
            raise DeclarationFault("pull.since_default: not an ISO date") from None


def _is_setting(told: Declaration, name: str) -> bool:
    """Whether a place names one of the connection's settings."""
    head, _, rest = name.partition(".")
    return rest in {"option": told.options, "secret": told.secrets}.get(head, ())


def _requests(told: Declaration) -> Iterator[tuple[str, Request, Collection[str]]]:
    session = {"session"} if told.login is not None else set()
    if told.pull is not None:
        yield "pull.request", told.pull.request, (_OF_A_PAGE - {"session"}) | session
        if told.pull.acknowledge is not None:
            known = (_OF_THE_REST - {"session"}) | session
            yield "pull.acknowledge.request", told.pull.acknowledge.request, known
    if told.login is not None:
        yield "login.request", told.login.request, frozenset()


def _places(request: Request) -> Iterator[str]:
    for part in (
        request.path,
        request.query,
        request.headers,
        request.form,
        request.json,
        request.body,
        request.arguments,
        request.soap_headers,
    ):
        yield from templates.places(part)


def _check_request(
    told: Declaration,
    place: str,
    request: Request,
    known: Collection[str],
    contract: Contract | None,
) -> None:
    for name in [*_places(request), *templates.places(told.headers)]:
        if name not in known and not _is_setting(told, name):
            raise DeclarationFault(f"{place}: nothing is called {{{name}}} here")
    if sum((request.json is not None, bool(request.form), bool(request.body))) > 1:
        raise DeclarationFault(f"{place}: one of json, form and body")
    if request.path and not request.path.startswith("/"):
        raise DeclarationFault(f"{place}.path: begins with /")
    if not request.operation:
        if told.kind == "soap" and not place.startswith("login"):
            raise DeclarationFault(f"{place}.operation: missing")
        return
    if contract is None:
        raise DeclarationFault(f"{place}.operation: only kind soap has operations")
    operation = next((o for o in contract.operations if o.name == request.operation), None)
    if operation is None:
        names = ", ".join(o.name for o in contract.operations)[:300]
        raise DeclarationFault(f"{place}.operation: the contract has {names}")
    _check_fields(f"{place}.arguments", request.arguments, operation.input.fields)


def _check_operation(
    told: Declaration, operation: DoorOperation, place: str, contract: Contract
) -> None:
    found = next((o for o in contract.operations if o.name == operation.name), None)
    if found is None:
        names = ", ".join(o.name for o in contract.operations)[:300]
        raise DeclarationFault(f"{place}.name: the contract has {names}")
    for key in ("records", "user", "password"):
        path = getattr(operation, key)
        if path and path != ".":
            _check_path_in(f"{place}.{key}", path, found.input.fields)
    credentials = told.push.door.credentials if told.push and told.push.door else ""
    if credentials == "body" and not (operation.user and operation.password):
        raise DeclarationFault(f"{place}: credentials in the body need user and password")
    fields = found.output.fields if found.output is not None else []
    for key in ("success", "partial", "refusal"):
        template = getattr(operation, key)
        _check_fields(f"{place}.{key}", template, fields)
        for name in templates.places(template):
            if name not in _OF_AN_ANSWER:
                raise DeclarationFault(f"{place}.{key}: nothing is called {{{name}}} here")


def _check_fields(place: str, told: dict[str, Any], fields: list[Field]) -> None:
    """Every name told is a field of the contract."""
    known = {field.name: field for field in fields}
    for name, value in told.items():
        field = known.get(name)
        if field is None:
            names = ", ".join(known)[:300] or "no fields"
            raise DeclarationFault(f"{place}.{name}: the contract has {names}")
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and not field.is_cut:
                _check_fields(f"{place}.{name}", one, field.fields)


def _check_path_in(place: str, path: str, fields: list[Field]) -> None:
    for name in path.split("/"):
        field = next((one for one in fields if one.name == name), None)
        if field is None:
            names = ", ".join(one.name for one in fields)[:300] or "nothing"
            raise DeclarationFault(f"{place}: no {name}; the contract has {names} there")
        if field.is_cut:
            return
        fields = field.fields


def _check_path(place: str, path: str, form: str, told: Declaration) -> None:
    if form == "xml" or told.kind == "soap":
        if not _XML_PATH.match(path):
            raise DeclarationFault(f"{place}: {path!r} is no path of names with / between them")
        return
    if path == ".":
        return
    try:
        compile_expression(path)
    except ExpressionFault as error:
        raise DeclarationFault(f"{place}: {error}") from None


def _check_mapping(told: Declaration, own: dict[str, Transform]) -> None:
    try:
        mapping = compile_mapping(told.mapping, own)
    except MappingFault as error:
        raise DeclarationFault(f"mapping: {error}") from None
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise DeclarationFault(f"mapping: not as it must be ({type(error).__name__})") from None
    for place, shape in _shapes(told):
        if shape not in mapping.shapes:
            known = ", ".join(mapping.shapes) or "none"
            raise DeclarationFault(f"{place}: no shape {shape!r} in the mapping; it has {known}")


def _shapes(told: Declaration) -> Iterator[tuple[str, str]]:
    answer: Answers | None = told.pull.answer if told.pull else None
    if answer is not None:
        yield "pull.answer.shape", answer.shape
    if told.drop is not None:
        yield "drop.shape", told.drop.shape
    if told.push is not None and told.push.native is not None:
        yield "push.native.shape", told.push.native.shape
    for at, one in enumerate(told.push.door.operations if told.push and told.push.door else ()):
        yield f"push.door.operations[{at}].shape", one.shape
