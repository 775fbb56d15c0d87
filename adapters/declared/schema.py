"""The components of a contract's schemas: found by name, checked, and expanded to fields. Pure."""

from collections.abc import Iterator
from typing import Any

from adapters.declared.contracts import ContractFault, Field
from adapters.declared.gathering import Schema, catalogue, each
from adapters.declared.names import XML, XSD, Name, local, own_name, resolve

_MAX_DEPTH = 12
_MAX_FIELDS = 20_000
_NOTE = 300
# Attribute of a schema element -> the kinds of components it may name.
_REFERENCES = {
    "type": ("type",),
    "base": ("type",),
    "itemType": ("type",),
    "substitutionGroup": ("element",),
}
_HOLDERS = frozenset({"sequence", "all", "complexContent", "simpleContent", "complexType"})
_DERIVED = frozenset({"extension", "restriction"})
_KINDS = {
    "complexType": "type",
    "simpleType": "type",
    "element": "element",
    "group": "group",
    "attribute": "attribute",
    "attributeGroup": "attributeGroup",
}


class Part:
    """One component where it stands."""

    def __init__(self, schema: Schema, node: Any) -> None:
        self.schema = schema
        self.node = node

    def name(self, told: str, node: Any) -> Name:
        """The name a QName inside it stands for."""
        lent = self.schema.namespace if self.schema.is_lent else ""
        return resolve(told, node, self.schema.file, lent)


class Library:
    """All components, by kind and name."""

    def __init__(self, schemas: list[Schema]) -> None:
        """Nothing is checked yet.

        Raises:
            ContractFault: a top component without a name.
        """
        self._parts: dict[tuple[str, Name], Part] = {}
        self._schemas = schemas
        for schema, node in each(schemas):
            kind = _KINDS.get(local(node))
            if kind is not None:
                name = Name(schema.namespace, own_name(node, schema.file))
                self._parts.setdefault((kind, name), Part(schema, node))
        self._left = _MAX_FIELDS

    def find(self, kind: str, name: Name) -> Part | None:
        """A component; None where there is none."""
        return self._parts.get((kind, name))

    def check(self) -> None:
        """Every name inside is a name, and every reference leads somewhere.

        Raises:
            ContractFault: the first that does not.
        """
        for schema, top in each(self._schemas):
            part = Part(schema, top)
            for node in top.iter():
                if isinstance(node.tag, str) and node.tag.startswith(f"{{{XSD}}}"):
                    self._check_node(part, node)

    def elements(self, name: Name, file: str, node: Any) -> Field:
        """The field of a top element. Raises ContractFault where there is none."""
        part = self.find("element", name)
        if part is None:
            raise missing(file, node, "element", name)
        return self._element(part, part.node, (), is_top=True)

    def typed(self, label: str, name: Name, file: str, node: Any) -> Field:
        """The field of a message part that names a type. Raises ContractFault."""
        if name.namespace != XSD and self.find("type", name) is None:
            raise missing(file, node, "type", name)
        inner, values, is_cut = self._inside(name, ())
        return Field(label, name.local, fields=inner, values=values, is_cut=is_cut)

    # ------------------------------------------------------------------ checking

    def _check_node(self, part: Part, node: Any) -> None:
        kind = local(node)
        if kind in ("element", "attribute") and "ref" not in node.attrib:
            own_name(node, part.schema.file)
        for attribute, kinds in _REFERENCES.items():
            told = node.get(attribute)
            if told is not None:
                self._check_reference(part, node, told, kinds)
        for told in (node.get("memberTypes") or "").split():
            self._check_reference(part, node, told, ("type",))
        if "ref" in node.attrib and kind in _KINDS:
            self._check_reference(part, node, node.get("ref"), (_KINDS[kind],))

    def _check_reference(self, part: Part, node: Any, told: str, kinds: tuple[str, ...]) -> None:
        name = part.name(told, node)
        if name.namespace in (XSD, XML) or any(self.find(kind, name) for kind in kinds):
            return
        if name.namespace in catalogue():
            return  # a stand-in is minimal by design
        raise missing(part.schema.file, node, kinds[0], name)

    # ------------------------------------------------------------------ expanding

    def _element(
        self, part: Part, node: Any, above: tuple[Name, ...], *, is_top: bool = False
    ) -> Field:
        many = node.get("maxOccurs", "1") not in ("0", "1")
        required = node.get("minOccurs", "1") != "0"
        ref = node.get("ref")
        if ref is not None:
            name = part.name(ref, node)
            found = self.find("element", name)
            if found is None:
                return Field(name.local, "any", namespace=name.namespace, is_cut=True)
            inner = self._element(found, found.node, above, is_top=True)
            return _occurring(inner, is_many=many, is_required=required)
        self._left -= 1
        qualified = is_top or _is_qualified(part.schema, node, "elementFormDefault")
        fields, values, is_cut, kind = self._content(part, node, above)
        return Field(
            name=node.get("name", ""),
            type=kind,
            namespace=part.schema.namespace if qualified else "",
            is_required=required,
            is_many=many,
            is_nillable=node.get("nillable") in ("true", "1"),
            values=values,
            note=_note(node),
            fields=fields,
            is_cut=is_cut,
        )

    def _content(
        self, part: Part, node: Any, above: tuple[Name, ...]
    ) -> tuple[list[Field], list[str], bool, str]:
        """Fields inside, closed values, whether cut, and the name of the kind."""
        told = node.get("type")
        if told is not None:
            name = part.name(told, node)
            inner, values, is_cut = self._inside(name, above)
            return inner, values, is_cut, name.local
        for child in node:
            if isinstance(child.tag, str) and local(child) in ("complexType", "simpleType"):
                values = self._values(part, child)
                return list(self._members(part, child, above)), values, False, "…"
        return [], [], False, "any"

    def _inside(self, name: Name, above: tuple[Name, ...]) -> tuple[list[Field], list[str], bool]:
        found = self.find("type", name)
        if found is None:
            return [], [], name.namespace != XSD or name.local == "anyType"
        if name in above or len(above) > _MAX_DEPTH or self._left < 0:
            return [], [], True
        members = list(self._members(found, found.node, (*above, name)))
        return members, self._values(found, found.node), False

    def _members(self, part: Part, node: Any, above: tuple[Name, ...]) -> Iterator[Field]:
        """The fields of a type, the base's first; of a choice all, none of them required."""
        for child in node:
            kind = local(child) if isinstance(child.tag, str) else ""
            if kind in _HOLDERS or (kind in _DERIVED and child.get("base") is not None):
                if kind == "extension":
                    yield from self._of_base(part, child, above)
                yield from self._members(part, child, above)
            elif kind == "choice":
                for one in self._members(part, child, above):
                    yield _occurring(one, is_many=_is_many(child), is_required=False)
            elif kind == "element":
                yield self._element(part, child, above)
            elif kind in ("group", "attributeGroup") and child.get("ref") is not None:
                yield from self._of_group(part, child, above)
            elif kind == "attribute" and child.get("name") is not None:
                yield self._attribute(part, child, above)

    def _of_group(self, part: Part, node: Any, above: tuple[Name, ...]) -> Iterator[Field]:
        name = part.name(node.get("ref"), node)
        found = self.find(local(node), name)
        if found is not None and name not in above and len(above) <= _MAX_DEPTH:
            yield from self._members(found, found.node, (*above, name))

    def _attribute(self, part: Part, node: Any, above: tuple[Name, ...]) -> Field:
        told = node.get("type")
        name = part.name(told, node) if told else Name("", "")
        return Field(
            node.get("name"),
            name.local,
            is_required=node.get("use") == "required",
            is_attribute=True,
            values=self._inside(name, above)[1] if told else self._values(part, node),
        )

    def _of_base(self, part: Part, node: Any, above: tuple[Name, ...]) -> Iterator[Field]:
        name = part.name(node.get("base"), node)
        found = self.find("type", name)
        if found is not None and name not in above and len(above) <= _MAX_DEPTH:
            yield from self._members(found, found.node, (*above, name))

    def _values(self, part: Part, node: Any, depth: int = 0) -> list[str]:
        """The closed values of a simple type, its base's where it adds none."""
        found = [e.get("value", "") for e in node.iter(f"{{{XSD}}}enumeration")]
        is_simple = local(node) == "simpleType"
        if found and (is_simple or not list(node.iter(f"{{{XSD}}}element"))):
            return found
        bases = [b for b in node.iter(f"{{{XSD}}}restriction") if b.get("base")]
        if is_simple and bases and depth < _MAX_DEPTH:
            base = self.find("type", part.name(bases[0].get("base"), bases[0]))
            return self._values(base, base.node, depth + 1) if base is not None else []
        return []


def missing(file: str, node: Any, kind: str, name: Name) -> ContractFault:
    """Something is named that nobody defines."""
    words = {"element": "phần tử", "type": "kiểu", "attribute": "thuộc tính"}
    told = f"{{{name.namespace}}}{name.local}" if name.namespace else name.local
    return ContractFault(
        file,
        node.sourceline or 0,
        f"{words.get(kind, kind)} {told} không được định nghĩa ở đâu",
        f"the {kind} {told} is defined nowhere",
    )


def _occurring(field: Field, *, is_many: bool, is_required: bool) -> Field:
    return Field(
        name=field.name,
        type=field.type,
        namespace=field.namespace,
        is_required=is_required,
        is_many=is_many or field.is_many,
        is_nillable=field.is_nillable,
        is_attribute=field.is_attribute,
        values=field.values,
        note=field.note,
        fields=field.fields,
        is_cut=field.is_cut,
    )


def _is_many(node: Any) -> bool:
    return node.get("maxOccurs", "1") not in ("0", "1")


def _is_qualified(schema: Schema, node: Any, default: str) -> bool:
    told = node.get("form") or schema.element.get(default) or "unqualified"
    return bool(told == "qualified")


def _note(node: Any) -> str:
    found = node.find(f"{{{XSD}}}annotation")
    told = " ".join("".join(found.itertext()).split()) if found is not None else ""
    return told[:_NOTE]
