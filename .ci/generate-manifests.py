#!/usr/bin/env python3
"""Writes a project of N valid manifests of about 25 lines each, over all nine kinds.

    .ci/generate-manifests.py FOLDER N [--files F] [--changed EVERY]

The manifests are the same for the same arguments. They come in groups of nine, one of each kind, each referring to
what stands before it in its group, with EventTypes for the rest: any N gives a project without an error and without a
warning. They fill F files (10 unless given; `--files N` writes one file per manifest). Secrets come from a file of the project, so that
`apply` needs no environment. With `--changed EVERY`, every so-many-th manifest has another description, for measuring
a plan that changes something.
"""

import argparse
import pathlib

PROJECT = """\
apiVersion: trueup/v1
kind: Project
metadata: { name: generated }
spec:
  variables:
    host: { type: string, default: acme.test }
"""

# The order is that of references: each kind refers only to kinds before it.
KINDS = {
    "System": """\
spec:
  platform: workstation
  systemId: {id:032x}
  environments:
    production:
      urls:
        - "https://desk-{n}.${{var.host}}/*"
        - "https://desk-{n}.eu.acme.test/*"
    test:
      urls:
        - "https://desk-{n}-test.acme.test/*"
  endUserId:
    hash:
      algorithm: sha256
      salt: {{ fromFile: secrets/salt }}
  censor:
    properties: [pageTitle]
    events: [dxa.page-viewed]
""",
    "EventType": """\
spec:
  properties:
    quoteId:
      type: string
      class: content
    amount:
      type: number
      class: content
    approver:
      type: string
      class: personal
    urgent:
      type: boolean
      class: technical
    decidedAt:
      type: datetime
      class: technical
""",
    "Template": """\
spec:
  system: system-{n}
  title: Lead {n} assigned
  type: push
  runtimeTitle: "Lead ###LEAD_NAME###"
  body: |
    The lead ###LEAD_NAME### is yours.
    Open it to be guided through step {n}.
  button:
    text: Open
    link: "###URL###"
  locales:
    de:
      title: Neuer Lead {n}
      runtimeTitle: "Lead ###LEAD_NAME###"
      body: "Der Lead ###LEAD_NAME### gehört dir."
      button: {{ text: Öffnen }}
""",
    "Audience": """\
spec:
  match:
    all:
      - property: department
        operator: equalTo
        value: Sales {n}
      - any:
          - property: country
            operator: in
            value: [DE, AT, CH]
          - property: level
            operator: greaterThan
            value: {small}
      - not:
          property: team
          operator: startsWith
          value: "test-"
""",
    "Destination": """\
spec:
  platform: Slack
  method: POST
  url: "https://hooks.slack.test/services/T0/B{n}"
  auth:
    type: bearer
    token: {{ fromFile: secrets/token }}
  headers:
    X-Environment: production
    X-Number: "{n}"
    X-Api-Key: {{ fromFile: secrets/api-key }}
  timeoutSeconds: 10
  retry:
    maxAttempts: 8
  rateLimit:
    perSecond: {small}
  signing:
    secret: {{ fromFile: secrets/signing }}
""",
    "Workflow": """\
spec:
  access: {{ subProcess: true, public: true }}
  data:
    - {{ name: EMAIL, type: text, required: true, class: personal }}
    - {{ name: AMOUNT, type: numeric }}
  start: ask
  steps:
    - name: ask
      type: sayGather
      say: "What is your e-mail address for list {n}?"
      gather: {{ variable: email, class: personal }}
      routes: {{ gathered: lookup, noInput: bye }}
    - name: lookup
      type: webhook
      method: GET
      url: "https://shop.acme.test/lists/{n}?email={{{{email}}}}"
      headers: {{ X-Api-Key: {{ fromFile: secrets/api-key }} }}
      timeoutSeconds: 5
      routes: {{ success: bye, failure: bye }}
    - {{ name: bye, type: end }}
""",
    "Notification": """\
spec:
  system: system-{n}
  template: template-{n}
  audiences:
    - audience-{n}
  endUsers:
    - kim-{n}@acme.test
    - ana-{n}@acme.test
  type: popup
  title: Enrolment {n}
  startAt: "2091-12-01 08:30"
  endAt: "2091-12-24"
  override:
    LEAD_NAME: Contoso {n}
    URL: "https://crm.acme.test/leads/{n}"
""",
    "Webhook": """\
spec:
  system: system-{n}
  event: survey.submitted
  conditions:
    - property: score
      operator: lessThan
      value: {small}
    - any:
        - {{ property: country, operator: equalTo, value: DE }}
        - {{ property: country, operator: equalTo, value: FR }}
  properties:
    include: [endUserId, score, answer]
    rename: {{ endUserId: user_id }}
    static:
      source: trueup
      number: {n}
  destination: destination-{n}
  enabled: true
""",
    "IncomingWebhook": """\
spec:
  description: Sign-ups from shop {n}
  impersonate: svc-shop-{n}
  operations:
    - createRequest
    - cancelRequest
  workflows:
    - workflow-{n}
""",
}

NAMES = {"EventType": "event-type", "IncomingWebhook": "incoming-webhook"}


def manifest(number: int, count: int, changed: bool) -> str:
    """One of `count` manifests; `changed` gives it another description than it has without."""
    n, which = divmod(number, len(KINDS))
    groups = count // len(KINDS)
    if n < groups:
        kind, spec = list(KINDS.items())[which]
    else:
        # A group that is not complete would have templates and destinations that nothing uses.
        n, kind, spec = n + which, "EventType", KINDS["EventType"]
    name = f"{NAMES.get(kind, kind.lower())}-{n}"
    text = "changed" if changed else "generated"
    head = f"""\
apiVersion: trueup/v1
kind: {kind}
metadata:
  name: {name}
  description: Number {number}, {text} for measuring
  labels:
    team: team-{n % 17}
    tier: gold
"""
    return head + spec.format(n=n, id=0xBCF4 << 64 | n, small=n % 9 + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="made if it is missing; its manifests-*.yaml are replaced")
    parser.add_argument("count", type=int, metavar="N", help="how many manifests")
    parser.add_argument("--files", type=int, default=10, help="how many files to write them to")
    parser.add_argument("--changed", type=int, default=0, metavar="EVERY", help="change every so-many-th manifest")
    arguments = parser.parse_args()
    folder, count, files = arguments.folder, arguments.count, min(arguments.files, max(arguments.count, 1))

    (folder / "secrets").mkdir(parents=True, exist_ok=True)
    (folder / "trueup.yaml").write_text(PROJECT, encoding="utf-8")
    for secret in ["salt", "token", "api-key", "signing"]:
        (folder / "secrets" / secret).write_text(f"not really a secret: {secret}\n", encoding="utf-8")
    for old in folder.glob("manifests-*.yaml"):
        old.unlink()
    digits = len(str(files))
    for file in range(files):
        numbers = range(count * file // files, count * (file + 1) // files)
        every = arguments.changed
        documents = [manifest(number, count, bool(every) and number % every == 0) for number in numbers]
        path = folder / f"manifests-{file:0{digits}}.yaml"
        path.write_text("---\n".join(documents), encoding="utf-8")


if __name__ == "__main__":
    main()
