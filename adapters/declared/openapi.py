"""An OpenAPI 3 document (JSON) as a contract: operations, arguments, fields of their answers. Pure.

YAML is not read: the hub carries no parser of it. Every tool that writes the one writes the other.
"""

import hashlib
import json as plain_json
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.declared.contracts import Contract, ContractFault, Field, Message, Operation
from canonical.reading import json
from canonical.text import Malformed

_METHODS = ("get", "post", "put", "patch", "delete")
_MAX_DEPTH = 12
_MAX_FIELDS = 20_000


def describe(files: Mapping[str, bytes], main: str = "") -> Contract:
    """What an OpenAPI document says. Raises as `Document`."""
    return Document(files, main).contract()


class Document:
    """One document with the files it refers to."""

    def __init__(self, files: Mapping[str, bytes], main: str) -> None:
        """The document that the files make up.

        Raises:
            ContractFault: not JSON, not OpenAPI 3, or a reference that leads nowhere; with file
                and, where it is about the text, its line.
        """
        self._files: dict[str, Any] = {}
        for name, raw in files.items():
            if name.lower().endswith((".yaml", ".yml")):
                raise ContractFault(
                    name, 0, "hãy xuất OpenAPI ra JSON", "export the OpenAPI document as JSON"
                )
            if name.lower().endswith(".json"):
                self._files[name] = _decoded(name, raw)
        tops = [name for name, told in self._files.items() if "openapi" in told]
        if main:
            tops = [name for name in tops if name == main]
        if len(tops) != 1:
            names = ", ".join(tops)
            raise ContractFault(
                main,
                0,
                f"hãy chọn một hợp đồng trong: {names}" if names else "không phải OpenAPI 3",
                f"choose one contract of: {names}" if names else "this is no OpenAPI 3 document",
            )
        self.main = tops[0]
        self._top: dict[str, Any] = self._files[self.main]
        self._left = _MAX_FIELDS
        version = str(self._top["openapi"])
        if not version.startswith("3."):
            raise ContractFault(
                self.main, 0, f"OpenAPI {version} không được hỗ trợ", f"OpenAPI {version}: not 3"
            )

    def contract(self) -> Contract:
        """The contract."""
        operations = list(self._operations())
        if not operations:
            raise ContractFault(
                self.main, 0, "không có thao tác nào", "there is no operation in it"
            )
        told = plain_json.dumps(
            {**self._files, self.main: {k: v for k, v in self._top.items() if k != "servers"}},
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        info = self._top.get("info")
        return Contract(
            kind="openapi",
            main=self.main,
            fingerprint="sha256:" + hashlib.sha256(told.encode()).hexdigest(),
            title=str(info.get("title", "")) if isinstance(info, dict) else "",
            ports=[],
            operations=operations,
        )

    def _operations(self) -> Iterator[Operation]:
        paths = self._top.get("paths")
        for path, item in sorted(paths.items()) if isinstance(paths, dict) else ():
            item = self._led(item, self.main)
            for method in _METHODS:
                told = item.get(method)
                if isinstance(told, dict):
                    yield self._operation(path, method.upper(), item, told)

    def _operation(
        self, path: str, method: str, item: dict[str, Any], told: dict[str, Any]
    ) -> Operation:
        arguments = []
        for one in [*_list(item.get("parameters")), *_list(told.get("parameters"))]:
            parameter = self._led(one, self.main)
            field = self._field(str(parameter.get("name", "")), parameter.get("schema"), ())
            arguments.append(
                _marked(
                    field,
                    is_required=parameter.get("required") is True,
                    note=f"{parameter.get('in', '')}: {parameter.get('description', '')}"[:300],
                )
            )
        body = self._led(told.get("requestBody") or {}, self.main)
        arguments += self._content(body)
        output = self._content(self._good(told))
        return Operation(
            name=str(told.get("operationId") or f"{method} {path}"),
            input=Message("", "", arguments),
            output=Message("", "", output),
            method=method,
            path=path,
            note=str(told.get("summary") or told.get("description") or "")[:300],
        )

    def answer(self, operation: Operation) -> Any:
        """The schema of what an operation answers in JSON; None where there is none."""
        item = self._led(self._top["paths"][operation.path], self.main)
        content = self._good(item[operation.method.lower()]).get("content")
        for kind, media in content.items() if isinstance(content, dict) else ():
            if "json" in kind and isinstance(media, dict) and isinstance(media.get("schema"), dict):
                return media["schema"]
        return None

    def led(self, told: Any) -> dict[str, Any]:
        """What a schema leads to where it is a reference; {}, which all fits, where to nothing."""
        try:
            return self._led(told, self.main)
        except ContractFault:
            return {}

    def _good(self, told: dict[str, Any]) -> dict[str, Any]:
        """The response of an operation's success."""
        responses = told.get("responses")
        answers = responses if isinstance(responses, dict) else {}
        good = next((answers[code] for code in sorted(answers) if code.startswith("2")), None)
        return self._led(good, self.main) if good is not None else {}

    def _content(self, told: dict[str, Any]) -> list[Field]:
        content = told.get("content")
        for kind, media in content.items() if isinstance(content, dict) else ():
            if isinstance(media, dict) and ("json" in kind or "form" in kind):
                field = self._field("", media.get("schema"), ())
                return field.fields if not field.is_many else [field]
        return []

    def _field(self, name: str, schema: Any, above: tuple[str, ...]) -> Field:
        self._left -= 1
        ref = str(schema.get("$ref", "")) if isinstance(schema, dict) else ""
        if (ref and ref in above) or len(above) > _MAX_DEPTH or self._left < 0:
            return Field(name, ref.rpartition("/")[2] or "any", is_cut=True)
        told = self._led(schema if isinstance(schema, dict) else {}, self.main)
        above = (*above, ref or name)
        if told.get("type") == "array" or "items" in told:
            inner = self._field(name, told.get("items"), above)
            return Field(
                name,
                inner.type,
                is_many=True,
                values=inner.values,
                note=inner.note,
                fields=inner.fields,
                is_cut=inner.is_cut,
            )
        kind = told.get("type", "object")
        kinds = kind if isinstance(kind, list) else [kind]
        return Field(
            name,
            str(told.get("format") or next((k for k in kinds if k != "null"), "any")),
            is_nillable=told.get("nullable") is True or "null" in kinds,
            values=self._values(told),
            note=str(told.get("description") or "")[:300],
            fields=list(self._properties(told, above)),
        )

    def _values(self, told: dict[str, Any], depth: int = 0) -> list[str]:
        """The closed list of a field: its own, else that of its parts or of all alternatives."""
        listed = [told["const"]] if "const" in told else _list(told.get("enum"))
        found = [str(one) for one in listed if one is not None]
        if found or depth > _MAX_DEPTH:
            return found
        for one in _list(told.get("allOf")):
            found += self._values(self._led(one, self.main), depth + 1)
        for key in ("oneOf", "anyOf"):
            parts = [self._led(one, self.main) for one in _list(told.get(key))]
            lists = [self._values(one, depth + 1) for one in parts if one.get("type") != "null"]
            found += [value for one in lists for value in one] if all(lists) else []
        return list(dict.fromkeys(found))

    def _properties(self, told: dict[str, Any], above: tuple[str, ...]) -> Iterator[Field]:
        parts = [self._led(one, self.main) for one in _list(told.get("allOf"))]
        for part in [*parts, told]:
            required = _list(part.get("required"))
            properties = part.get("properties")
            for name, schema in properties.items() if isinstance(properties, dict) else ():
                yield _marked(self._field(name, schema, above), is_required=name in required)
        for one in [*_list(told.get("oneOf")), *_list(told.get("anyOf"))]:
            yield from self._field("", one, above).fields

    def _led(self, told: Any, file: str, depth: int = 0) -> dict[str, Any]:
        """What a reference leads to; anything else as it is."""
        if not isinstance(told, dict):
            return {}
        ref = told.get("$ref")
        if ref is None:
            return told
        name, _, pointer = str(ref).partition("#")
        found: Any = self._files.get(name.removeprefix("./") or file)
        for part in pointer.split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, dict) or depth > _MAX_DEPTH:
            raise ContractFault(
                file, 0, f"{ref} không có trong các tệp", f"{ref} is not among the files"
            )
        return self._led(found, name.removeprefix("./") or file, depth + 1)


def _decoded(name: str, raw: bytes) -> dict[str, Any]:
    try:
        told = json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except Malformed as error:
        cause = error.__cause__
        line = cause.lineno if isinstance(cause, plain_json.JSONDecodeError) else 0
        raise ContractFault(
            name, line, f"không phải JSON đúng ({error})", f"this is not valid JSON ({error})"
        ) from None
    if not isinstance(told, dict):
        raise ContractFault(name, 0, "không phải một đối tượng JSON", "this is no JSON object")
    return told


def _list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []


def _marked(field: Field, *, is_required: bool, note: str = "") -> Field:
    return Field(
        field.name,
        field.type,
        is_required=is_required,
        is_many=field.is_many,
        is_nillable=field.is_nillable,
        values=field.values,
        note=note or field.note,
        fields=field.fields,
        is_cut=field.is_cut,
    )
