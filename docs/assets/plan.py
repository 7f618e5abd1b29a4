#!/usr/bin/env python3
"""Draws docs/assets/plan.svg: what `trueup plan` prints, in colour, after a few edits to examples/adoption.

    python3 docs/assets/plan.py [--check] [--binary PATH]

Copies the example to a temporary folder, applies it, edits it, plans it with CLICOLOR_FORCE=1 and turns the answer into
an SVG. Ids, which differ from run to run, are replaced. With --check it writes nothing and fails when the committed
picture is not what the program prints today.
"""

import argparse
import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PICTURE = HERE / "plan.svg"

SECRETS = [
    "CRM_SALT", "SLACK_TOKEN", "ANALYTICS_PASSWORD", "ACADEMY_CLIENT_SECRET", "ACADEMY_SIGNING_KEY", "SHOP_KEY",
]
EDITS = [
    ("webhooks/survey.yaml", "operator: lessThan, value: 7", "operator: lessThan, value: 5"),
    ("desk/templates.yaml", "It takes about ###MINUTES### minutes.", "It takes ###MINUTES### minutes at most."),
    ("workflows/newsletter.yaml", "Would you like our newsletter?", "Would you like our letter, twice a month?"),
]
# One token is another one than was applied.
ROTATED = "SLACK_TOKEN"

COLOURS = {"31": "#f47067", "32": "#8ddb8c", "33": "#f0b72f", "36": "#6cb6ff"}
TEXT, BACKGROUND, BAR = "#d7dde5", "#1c2128", "#2d333b"
CELL, LINE, MARGIN, HEAD = 8.4, 19, 20, 34


def trueup(binary, folder, arguments, secrets):
    environment = {"PATH": os.environ.get("PATH", ""), "USER": "kim", "HOSTNAME": "desk", "CLICOLOR_FORCE": "1"}
    run = subprocess.run(
        [binary, *arguments], cwd=folder, env=environment | secrets, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, encoding="utf-8",
    )
    if run.returncode != 0:
        sys.exit(f"trueup {' '.join(arguments)} ended with {run.returncode}\n{run.stdout}{run.stderr}")
    return run.stdout


def record(binary):
    """What the plan prints."""
    secrets = {name: f"not-a-real-{name.lower()}" for name in SECRETS}
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder) / "adoption"
        shutil.copytree(ROOT / "examples" / "adoption", project, ignore=shutil.ignore_patterns(".trueup"))
        trueup(binary, project, ["apply", "--auto-approve"], secrets)
        for name, before, after in EDITS:
            text = (project / name).read_text(encoding="utf-8")
            if text.count(before) != 1:
                sys.exit(f"{name} has `{before}` {text.count(before)} times: adapt the edits of {__file__}")
            (project / name).write_text(text.replace(before, after), encoding="utf-8")
        text = trueup(binary, project, ["plan"], secrets | {ROTATED: "another-token"})
    known = {}
    pattern = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    number = lambda found: known.setdefault(found[0], f"01990000-0000-7000-8000-{len(known) + 1:012}")
    return re.sub(pattern, number, text)


def spans(line):
    """Pieces of a line: text and the escape codes that are in force there."""
    active = []
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if piece.startswith("\x1b["):
            codes = piece[2:-1].split(";")
            active = [] if codes in (["0"], [""]) else active + codes
        elif piece:
            yield piece, active


def draw(text):
    lines = ["\x1b[1m$ trueup plan\x1b[0m", "", *text.rstrip("\n").split("\n")]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    width = round(max(len(line) for line in plain) * CELL + 2 * MARGIN)
    height = HEAD + MARGIN + LINE * len(lines) + MARGIN // 2
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="The output of trueup plan">',
        f"<title>trueup plan</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        f'<path d="M0 {HEAD - 4}V8a8 8 0 0 1 8-8h{width - 16}a8 8 0 0 1 8 8v{HEAD - 12}z" fill="{BAR}"/>',
        *(f'<circle cx="{18 + 18 * n}" cy="15" r="5.5" fill="#768390"/>' for n in range(3)),
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" '
        f'font-size="14" fill="{TEXT}" xml:space="preserve">',
    ]
    for row, line in enumerate(lines):
        column, parts = 0, []
        for piece, codes in spans(line):
            style = []
            for code in codes:
                if code in COLOURS:
                    style.append(f'fill="{COLOURS[code]}"')
                elif code == "1":
                    style.append('font-weight="bold"')
                elif code == "2":
                    style.append('fill-opacity="0.6"')
                elif code == "4":
                    style.append('text-decoration="underline"')
            # Its place and width are given, so that every font keeps the columns.
            blank = len(piece) - len(piece.lstrip(" "))
            shown = piece.strip(" ")
            if shown:
                place = f'x="{MARGIN + (column + blank) * CELL:.1f}" textLength="{len(shown) * CELL:.1f}"'
                parts.append(f"<tspan {' '.join([place, *dict.fromkeys(style)])}>{html.escape(shown, quote=False)}</tspan>")
            column += len(piece)
        if parts:
            out.append(f'<text y="{HEAD + MARGIN + row * LINE}">{"".join(parts)}</text>')
    return "\n".join([*out, "</g>", "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the picture is out of date")
    parser.add_argument("--binary", default=ROOT / "target" / "debug" / "trueup", type=pathlib.Path)
    arguments = parser.parse_args()
    picture = draw(record(arguments.binary.resolve()))
    if not arguments.check:
        PICTURE.write_text(picture, encoding="utf-8")
    elif PICTURE.read_text(encoding="utf-8") != picture:
        sys.exit("docs/assets/plan.svg is out of date: run python3 docs/assets/plan.py")


if __name__ == "__main__":
    main()
