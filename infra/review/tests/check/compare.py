"""Writes README.md beside it: which of validate, cfn-lint and checkov finds the fault of each case.

What a program says about the bad template and not about the good one is what it finds. Run it from the project's folder,
after `cargo xtask test --only python` and `--only checkov`:

    python3 infra/review/tests/check/compare.py
"""

import json
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
SIDES = {"bad": " -", "good": " +"}


def cases(folder):
    """Writes each case's two templates into the folder, and returns their names."""
    names = []
    for file in sorted(HERE.glob("*.diff")):
        for case in file.read_text().split("=== ")[1:]:
            name, *lines = case.splitlines()
            names.append(name)
            (folder / name).mkdir()
            for side, marks in SIDES.items():
                text = "".join(line[1:] + "\n" for line in lines if line[:1] in tuple(marks))
                (folder / name / f"{side}.yaml").write_text(text)
    return names


def output(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True).stdout


def cfn_lint(files):
    found = {}
    command = ["target/python/bin/cfn-lint", "--include-checks", "I", "--regions", "eu-west-1", "--format", "json"]
    for one in json.loads(output(*command, "--template", *files)):
        found.setdefault(pathlib.Path(one["Filename"]).resolve(), set()).add(one["Rule"]["Id"])
    return found


def checkov(folder):
    found = {}
    command = ["target/checkov/bin/checkov", "--framework", "cloudformation", "--skip-download", "--output", "json"]
    report = json.loads(output(*command, "--directory", folder))
    for one in report["results"]["failed_checks"]:
        found.setdefault((folder / one["file_path"].lstrip("/")).resolve(), set()).add(one["check_id"])
    return found


def validate(template):
    report = json.loads(output("target/debug/xtask", "validate", "--format", "json", "--template", template))
    return report["templates"][0]["findings"][0]


def main(folder):
    names = cases(folder)
    lint, check = cfn_lint([folder / name / f"{side}.yaml" for name in names for side in SIDES]), checkov(folder)

    def more(found, name):
        bad, good = (found.get((folder / name / f"{side}.yaml").resolve(), set()) for side in SIDES)
        return ", ".join(sorted(bad - good))

    rows, by_lint, by_checkov, by_neither = [], 0, 0, 0
    for name in names:
        finding = validate(folder / name / "bad.yaml")
        lint_says, checkov_says = more(lint, name), more(check, name)
        by_lint += bool(lint_says)
        by_checkov += bool(checkov_says)
        by_neither += not (lint_says or checkov_says)
        rows.append(f"| {name} | {finding['severity']} | {finding['title']} | {lint_says} | {checkov_says} |")
    (HERE / "README.md").write_text(
        f"""# Templates that break a rule, and what fixes them

A file a rule. A case begins with `=== NAME`, the rule's id or a variant of it. Lines that begin with `-` are in the bad
template only, which breaks the rule and no other; lines that begin with `+` are in the good one only, which breaks none; all
others are in both. Lines that begin with `>` are what `validate` finds in the bad one: `UPDATE_EXPECT=1 cargo test
--workspace --test it rule_is_broken` writes them.

Below, what cfn-lint (with `--include-checks I`) and checkov find in the bad template and not in the good one. Of {len(names)}
faults cfn-lint finds {by_lint}, checkov {by_checkov}, and neither {by_neither}. `compare.py` writes this page. QUOTA-3 and
QUOTA-4, the template's size, have no file: `tests/it/check.rs` makes templates that large.

| case | severity | what the rule asks for | cfn-lint | checkov |
| --- | --- | --- | --- | --- |
"""
        + "\n".join(rows)
        + "\n"
    )


with tempfile.TemporaryDirectory() as folder:
    main(pathlib.Path(folder))
