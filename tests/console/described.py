"""Whether an answer is one that the console's own description (openapi.json) tells of: its status, its kind, and each value of its JSON. Stricter than a
validator: what is not described must not be there."""
import datetime
import json
import os
import re

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(SOURCE, "scp/console/web/openapi.json"), encoding="utf-8") as f:
    API = json.load(f)
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def resolved(schema):
    """With what it refers to, and all of allOf in one."""
    if "$ref" in schema:
        at = API
        for name in schema["$ref"].split("/")[1:]:
            at = at[name]
        return resolved(at)
    whole = dict(schema)
    for part in map(resolved, whole.pop("allOf", [])):
        whole = {**part, **whole, "properties": {**part.get("properties", {}), **whole.get("properties", {})},
                 "required": part.get("required", []) + whole.get("required", [])}
    return whole


def is_type(value, name):
    if name in ("integer", "number"):
        return isinstance(value, int if name == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def wrong(value, schema, where="answer"):
    """What is wrong with the value, in words."""
    schema = resolved(schema)
    one_of = schema.get("oneOf") or schema.get("anyOf")
    if one_of:
        said = [list(wrong(value, one, where)) for one in one_of]
        if all(said):
            yield from min(said, key=len)
        return
    types = schema.get("type")
    if types and not any(is_type(value, t) for t in ([types] if isinstance(types, str) else types)):
        yield f"{where}: {value!r} is no {types}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if schema.get("format") == "date-time" and isinstance(value, str):
        try:
            datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            yield f"{where}: {value!r} is no time"
    if isinstance(value, list) and "items" in schema:
        for n, item in enumerate(value):
            yield from wrong(item, schema["items"], f"{where}[{n}]")
    if isinstance(value, dict) and "properties" in schema:
        yield from wrong_object(value, schema, where)


def wrong_object(value, schema, where):
    more = schema.get("additionalProperties", False)
    for name in set(schema.get("required", [])) - set(value):
        yield f"{where}: no {name}"
    for name, part in value.items():
        if name in schema["properties"]:
            yield from wrong(part, schema["properties"][name], f"{where}.{name}")
        elif more is False:
            yield f"{where}: {name} is not described"
        elif more is not True:
            yield from wrong(part, more, f"{where}.{name}")


def path_of(path):
    """The description's own path of this address; None: there is none."""
    path = path.split("?")[0]
    fits = [p for p in API["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), path)]
    return min(fits, key=lambda p: p.count("{")) if fits else None


def check(method, path, status, kind, body):
    """Raises AssertionError unless the description tells of this answer."""
    about = API["paths"].get(path_of(path), {}).get(method.lower())
    if about is None:
        assert status >= 400 or not path.startswith(("/api/", "/dicomweb/")), f"{method} {path}: {status}, and nothing is described"
        return
    told = about["responses"].get(str(status))
    assert told is not None, f"{method} {path}: {status} is not described: {body[:200]}"
    contents = told.get("content", {})
    kind = (kind or "").split(";")[0]
    assert kind in contents or not body, f"{method} {path}: {status} is {kind}, described as {list(contents)}"
    if body and kind.endswith("json") and "schema" in contents[kind]:
        said = list(wrong(json.loads(body), contents[kind]["schema"]))
        assert not said, f"{method} {path}: {status}: " + "; ".join(said[:5])
