# SPDX-License-Identifier: Apache-2.0
"""merge.py VERSION OUTPUT.c OUTPUT.json BASE.json PART.json...: one OpenAPI document out of its parts.

A part has "paths" and "components", and may have "tags"; nothing may stand in two parts. The document is
written as it is served, and as an array for the server.
"""

import json
import sys


def join(into, part, where):
    for name, value in part.items():
        if name not in into:
            into[name] = value
        elif isinstance(value, dict) and isinstance(into[name], dict) and len(where) < 2:
            join(into[name], value, where + [name])
        elif isinstance(value, list) and name == "tags":
            into[name] += value
        else:
            sys.exit(f"merge.py: {'.'.join(where + [name])} stands in two parts")


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def main(version, output_c, output_json, *parts):
    document = {}
    for path in parts:
        with open(path, encoding="utf-8") as file:
            join(document, json.load(file), [])
    document["info"]["version"] = version
    for reference in set(references(document)):
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node.get(step) or sys.exit(f"merge.py: there is no {reference}")
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"
    with open(output_json, "wb") as file:
        file.write(text)
    with open(output_c, "w", encoding="ascii") as file:
        file.write('#include "openapi.h"\n\nconst uint8_t openapi_json[] = {')
        for n, byte in enumerate(text):
            file.write(f"{'' if n % 16 else chr(10)}{byte},")
        file.write("\n};\nconst size_t openapi_json_len = sizeof openapi_json;\n")


main(*sys.argv[1:])
