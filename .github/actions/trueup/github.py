#!/usr/bin/env python3
"""Writes what trueup reports where people read it, through GitHub's API.

    github.py comment REPORT   keeps one comment on the pull request up to date
    github.py issue REPORT     keeps one issue about drift up to date; an empty report closes it
    github.py fence TEXT       prints a text as a report: in a fence that nothing in it can end

Everything it needs is in GitHub's own environment variables (GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_EVENT_PATH) and
INPUT_TOKEN. Only the standard library is used.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

# The longest body of a comment or an issue that GitHub takes, in characters.
BODY_LIMIT = 65_536
# Pages of a hundred that are searched for what an earlier run wrote.
PAGE_LIMIT = 30
ISSUE_MARKER = "<!-- trueup:drift -->"
ISSUE_TITLE = "Configuration was changed outside the manifests"


class Problem(Exception):
    """Something a person has to mend."""


def call(method, path, body=None):
    """One request; the answer as JSON."""
    token = os.environ.get("INPUT_TOKEN", "")
    if not token:
        raise Problem("there is no token: give the step `token`, and the job the permission to write")
    url = os.environ.get("GITHUB_API_URL", "https://api.github.com") + path
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Accept", "application/vnd.github+json")
    request.add_header("X-GitHub-Api-Version", "2022-11-28")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        hint = ""
        if error.code in (401, 403, 404):
            hint = "; has the job `pull-requests: write` (comment) or `issues: write` (issue)?"
        raise Problem(f"GitHub answered {error.code} to {method} {path}{hint}") from error
    except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
        raise Problem(f"GitHub cannot be asked: {error}") from error


def repository():
    name = os.environ.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", name):
        raise Problem("GITHUB_REPOSITORY does not name a repository")
    return name


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def marker_of(text):
    """The hidden line by which a report knows its own comment again."""
    first = text.split("\n", 1)[0].strip()
    if not re.fullmatch(r"<!-- trueup:[A-Za-z0-9:/._ -]+ -->", first):
        raise Problem("the report does not begin with the marker that trueup writes")
    return first


def bounded(text):
    if len(text) <= BODY_LIMIT:
        return text
    note = "\n\n(cut: the whole is in the summary of this run)\n"
    return text[: BODY_LIMIT - len(note)] + note


def pages(path):
    for page in range(1, PAGE_LIMIT + 1):
        separator = "&" if "?" in path else "?"
        found = call("GET", f"{path}{separator}per_page=100&page={page}")
        yield from found
        if len(found) < 100:
            return


def is_ours(thing, marker):
    """Whether a program wrote it, under this marker: what a person pasted is not ours to overwrite."""
    return (thing.get("user") or {}).get("type") == "Bot" and (thing.get("body") or "").startswith(marker)


def comment(path):
    text = read(path)
    marker = marker_of(text)
    event = json.loads(read(os.environ["GITHUB_EVENT_PATH"]))
    number = event.get("pull_request", {}).get("number") or event.get("number")
    if not isinstance(number, int):
        raise Problem("this run is about no pull request")
    base = f"/repos/{repository()}/issues"
    body = {"body": bounded(text)}
    for found in pages(f"{base}/{number}/comments"):
        if is_ours(found, marker):
            call("PATCH", f"{base}/comments/{found['id']}", body)
            print(f"updated comment {found['id']}")
            return
    made = call("POST", f"{base}/{number}/comments", body)
    print(f"wrote comment {made['id']}")


def issue(path):
    text = read(path) if os.path.exists(path) else ""
    base = f"/repos/{repository()}/issues"
    query = urllib.parse.urlencode({"state": "open", "creator": "github-actions[bot]"})
    ours = [found for found in pages(f"{base}?{query}") if is_ours(found, ISSUE_MARKER)]
    if not text.strip():
        for found in ours:
            call("POST", f"{base}/{found['number']}/comments", {"body": "The drift is gone."})
            call("PATCH", f"{base}/{found['number']}", {"state": "closed", "state_reason": "completed"})
            print(f"closed issue {found['number']}")
        return
    body = {"body": bounded(f"{ISSUE_MARKER}\n{text}")}
    if ours:
        if ours[0].get("body") == body["body"]:
            print(f"issue {ours[0]['number']} says it already")
            return
        call("PATCH", f"{base}/{ours[0]['number']}", body)
        print(f"updated issue {ours[0]['number']}")
    else:
        made = call("POST", base, {"title": ISSUE_TITLE, **body})
        print(f"opened issue {made['number']}")


def fence(path):
    text = read(path).rstrip("\n")
    if not text:
        return
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    mark = "`" * max(3, longest + 1)
    print(f"{mark}text\n{text}\n{mark}")


def main(arguments):
    commands = {"comment": comment, "issue": issue, "fence": fence}
    if len(arguments) != 2 or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        commands[arguments[0]](arguments[1])
    except (Problem, OSError, KeyError, ValueError) as problem:
        message = str(problem).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::error title=trueup::{message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
