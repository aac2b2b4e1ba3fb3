# SPDX-License-Identifier: Apache-2.0
"""Holds answers to the OpenAPI document, as far as its schemas go and with the standard library alone.

    wrong = Document(text).answer("GET", "/v1/collateral", status, headers, body)

is None, or says what is not as the document has it."""

import datetime
import json
import re
import urllib.parse

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


class Document:
    def __init__(self, text):
        self.root = json.loads(text)

    def at(self, node):
        while "$ref" in node:
            found = self.root
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    def operation(self, method, path):
        path = urllib.parse.urlsplit(path).path
        # What is spelt out comes before what has a parameter in its place.
        for template, item in sorted(self.root["paths"].items(), key=lambda p: p[0].count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in item:
                return item[method.lower()]
        return None

    def answer(self, method, path, status, headers, body):
        operation = self.operation(method, path)
        if operation is None:
            return f"there is no {method} {path}"
        if str(status) not in operation["responses"]:
            return f"{status} is not among its answers"
        response = self.at(operation["responses"][str(status)])
        kind = headers.get("content-type", "").split(";")[0]
        if kind not in response["content"]:
            return f"{kind} is not among the types of {status}"
        if kind.endswith("json"):
            return self.wrong(response["content"][kind]["schema"], json.loads(body), "$")
        return None

    def wrong(self, schema, value, where):
        """What of the value is not as the schema says; only the keywords that the document uses."""
        schema = self.at(schema)
        if "oneOf" in schema and sum(self.wrong(s, value, where) is None for s in schema["oneOf"]) != 1:
            return f"{where} is not one of its forms"
        if "enum" in schema and value not in schema["enum"]:
            return f"{where} is {value!r}"
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(self.is_type(value, k) for k in kinds):
            return f"{where} is {type(value).__name__}, not {kinds}"
        if isinstance(value, str):
            return self.wrong_text(schema, value, where)
        if isinstance(value, list):
            return next(filter(None, (self.wrong(schema.get("items", {}), v, f"{where}[{i}]")
                                      for i, v in enumerate(value))), None)
        if isinstance(value, dict):
            return self.wrong_object(schema, value, where)
        return None

    @staticmethod
    def is_type(value, kind):
        if kind in ("integer", "number"):
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, TYPES[kind])

    @staticmethod
    def wrong_text(schema, value, where):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return f"{where} does not match {schema['pattern']}"
        if len(value) < schema.get("minLength", 0):
            return f"{where} is too short"
        if schema.get("format") == "date-time":
            try:
                datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
            except ValueError:
                return f"{where} is no time: {value}"
        return None

    def wrong_object(self, schema, value, where):
        missing = [name for name in schema.get("required", []) if name not in value]
        if missing:
            return f"{where} lacks {missing}"
        known = schema.get("properties", {})
        if known and schema.get("additionalProperties") is not True and set(value) - set(known):
            return f"{where} has {sorted(set(value) - set(known))}, which the document does not know"
        return next(filter(None, (self.wrong(known[n], v, f"{where}.{n}") for n, v in value.items()
                                  if n in known)), None)
