"""Writes README.md beside it: which of validate, cfn-lint and checkov finds the fault of each pair.

What a program says about bad.yaml and not about good.yaml is what it finds. Run it from the project's folder, after
`cargo xtask test --only python` and `--only checkov`:

    python3 infra/cfn/tests/check/compare.py
"""

import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
PAIRS = sorted(path.name for path in HERE.iterdir() if path.is_dir())
FILES = [HERE / pair / f"{side}.yaml" for pair in PAIRS for side in ("bad", "good")]


def output(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True).stdout


def cfn_lint():
    found = {}
    command = ["target/python/bin/cfn-lint", "--include-checks", "I", "--regions", "eu-west-1", "--format", "json"]
    for one in json.loads(output(*command, "--template", *FILES)):
        found.setdefault(pathlib.Path(one["Filename"]).resolve(), set()).add(one["Rule"]["Id"])
    return found


def checkov():
    found = {}
    command = ["target/checkov/bin/checkov", "--framework", "cloudformation", "--skip-download", "--output", "json"]
    report = json.loads(output(*command, "--directory", HERE))
    for one in report["results"]["failed_checks"]:
        found.setdefault((HERE / one["file_path"].lstrip("/")).resolve(), set()).add(one["check_id"])
    return found


def validate(pair):
    report = json.loads(output("target/debug/xtask", "validate", "--format", "json", "--template", HERE / pair / "bad.yaml"))
    return report["templates"][0]["findings"][0]


def main():
    lint, check = cfn_lint(), checkov()

    def more(found, pair):
        bad, good = (found.get((HERE / pair / f"{side}.yaml").resolve(), set()) for side in ("bad", "good"))
        return ", ".join(sorted(bad - good))

    rows, by_lint, by_checkov, by_neither = [], 0, 0, 0
    for pair in PAIRS:
        finding = validate(pair)
        lint_says, checkov_says = more(lint, pair), more(check, pair)
        by_lint += bool(lint_says)
        by_checkov += bool(checkov_says)
        by_neither += not (lint_says or checkov_says)
        rows.append(f"| {pair} | {finding['severity']} | {finding['title']} | {lint_says} | {checkov_says} |")
    (HERE / "README.md").write_text(
        f"""# Wrong templates, and the same ones mended

A folder a rule, or a variant of one: `bad.yaml` breaks it and nothing else, `good.yaml` breaks nothing, `expect.txt` is what
is said about the first. `UPDATE_EXPECT=1 cargo test -p cfn` rewrites the last.

Below, what cfn-lint (with `--include-checks I`) and checkov say about `bad.yaml` and not about `good.yaml`. Of {len(PAIRS)}
faults cfn-lint finds {by_lint}, checkov {by_checkov}, and neither {by_neither}. `compare.py` writes this page. QUOTA-3 and
QUOTA-4, the template's size, have no folder: `tests/it/check.rs` makes templates that large.

| pair | severity | what the rule asks for | cfn-lint | checkov |
| --- | --- | --- | --- | --- |
"""
        + "\n".join(rows)
        + "\n"
    )


main()
