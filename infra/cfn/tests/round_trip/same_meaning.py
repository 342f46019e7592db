"""Says whether templates mean the same as others: a second reader, which shares nothing with the crate's own.

Standard input: a line a pair, `ORIGINAL<tab>WRITTEN`. Standard output: a line a difference. Exit 1 when there is any.

YAML is read by PyYAML with the rules of YAML 1.1, as AWS does, but for what CloudFormation passes on as it was written:
dates, times, and numbers with a leading zero, `0x` or `_`. Keys are their text. Meaning is the same where
`!GetAtt a.b`, `Fn::GetAtt: a.b` and `Fn::GetAtt: [a, b]` differ, `DependsOn: a` and `DependsOn: [a]`, and where an empty
section or attribute is left out.
"""

import json
import re
import sys

import yaml

PLAIN_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
FUNCTION_TAG = "tag:function:"


class Loader(yaml.SafeLoader):
    """SafeLoader, with what CloudFormation adds and takes away."""

    def construct_mapping(self, node, deep=True):
        own, bases = {}, []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ValueError(f"{key.start_mark}: a key that is no text")
            if key.tag == "tag:yaml.org,2002:merge":
                bases += value.value if isinstance(value, yaml.SequenceNode) else [value]
            else:
                own[key.value] = self.construct_object(value, deep=True)
        # The mapping's own keys count most, then those of the first base.
        for base in bases:
            own = {**self.construct_mapping(base), **own}
        return own


def as_written(loader, node):
    return node.value


def integer(loader, node):
    return int(node.value) if PLAIN_INTEGER.match(node.value) else node.value


def mapping(loader, node):
    return loader.construct_mapping(node, deep=True)


def function(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        # The argument of a tag is untagged: what it is follows from its look, as without the tag.
        tag = loader.resolve(yaml.ScalarNode, node.value, (node.style is None, node.style is not None))
        plain = yaml.ScalarNode(tag, node.value, node.start_mark, node.end_mark, node.style)
        value = loader.construct_object(plain, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_constructor("tag:yaml.org,2002:timestamp", as_written)
Loader.add_constructor("tag:yaml.org,2002:int", integer)
Loader.add_constructor("tag:yaml.org,2002:map", mapping)
Loader.add_multi_constructor("!", function)


def load(path):
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    if text.lstrip().startswith("{"):
        return json.loads(text)
    return yaml.load(text, Loader)


def normal(value, place=()):
    if isinstance(value, list):
        return [normal(item, place + (at,)) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    at_top = len(place) == 0
    in_resource = len(place) == 2 and place[0] == "Resources"
    result = {}
    for key, inner in value.items():
        if (at_top or in_resource) and inner in ({}, []):
            continue
        if in_resource and key == "DependsOn" and isinstance(inner, str):
            inner = [inner]
        if key == "Fn::GetAtt" and isinstance(inner, str):
            inner = inner.split(".", 1)
        result[key] = normal(inner, place + (key,))
    return result


def differences(left, right, place):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in {**left, **right}:
            if key not in left or key not in right:
                yield f"{place}.{key}: only {'before' if key in left else 'after'}"
            else:
                yield from differences(left[key], right[key], f"{place}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for at, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f"{place}[{at}]")
    # True is 1 in Python, and 1 is 1.0.
    elif left != right or isinstance(left, bool) != isinstance(right, bool):
        yield f"{place}: {left!r} before, {right!r} after"


def main():
    found = 0
    for line in sys.stdin.readlines():
        original, written = line.rstrip("\n").split("\t")
        for difference in differences(normal(load(original)), normal(load(written)), ""):
            print(f"{written}: {difference}")
            found += 1
    sys.exit(1 if found else 0)


main()
