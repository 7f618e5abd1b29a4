//! Manifests that several tests begin with.

/// A system with a webhook, and a workstation with a template that a notification and a workflow use.
pub(crate) const BASE: &str = r#"---
apiVersion: trueup/v1
kind: System
metadata: { name: crm }
spec: { platform: web }
---
apiVersion: trueup/v1
kind: System
metadata: { name: desk }
spec: { platform: workstation, systemId: bcf4c7f5682b4aa6875a0fc9bdfa21ca }
---
apiVersion: trueup/v1
kind: Template
metadata: { name: lead }
spec: { title: New lead, body: "Lead ###NAME### is yours." }
---
apiVersion: trueup/v1
kind: Audience
metadata: { name: sales }
spec: { members: [ana@acme.test, bo@acme.test] }
---
apiVersion: trueup/v1
kind: Notification
metadata: { name: reminder }
spec: { template: lead, audiences: [sales], startAt: "2091-12-01", endAt: "2091-12-24", override: { NAME: Contoso } }
---
apiVersion: trueup/v1
kind: Destination
metadata: { name: chat }
spec:
  platform: Chat
  method: POST
  url: https://chat.acme.test/hook
  auth: { type: bearer, token: { fromEnv: S0 } }
  headers: { X-Environment: production, X-Team: red }
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: nps, labels: { team: adoption } }
spec: { system: crm, event: survey.submitted, destination: chat }
---
apiVersion: trueup/v1
kind: Workflow
metadata: { name: newsletter }
spec:
  access: { subProcess: true, public: true }
  start: ask
  steps:
    - { name: ask, type: sayGather, say: "Your address?", gather: { variable: email, class: personal }, routes: { gathered: look, noInput: bye } }
    - name: look
      type: webhook
      method: GET
      url: "https://shop.acme.test/?email={{email}}"
      headers: { X-Api-Key: { fromEnv: S1 } }
      routes: { success: tell, failure: bye }
    - { name: tell, type: notify, template: lead, audiences: [sales], override: { NAME: "{{email}}" }, routes: { next: bye } }
    - { name: bye, type: end }
---
apiVersion: trueup/v1
kind: IncomingWebhook
metadata: { name: shop }
spec: { workflows: [newsletter] }
"#;

/// The base with a text in the place of another, which must be there.
pub(crate) fn base_with(replacements: &[(&str, &str)]) -> String {
    edited(BASE, replacements)
}

/// A text with texts in the place of others, which must be there.
pub(crate) fn edited(text: &str, replacements: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (old, new) in replacements {
        assert!(text.contains(old), "there is no {old:?}");
        text = text.replace(old, new);
    }
    text
}

/// The base without some of its documents, named by `kind: Name`'s two words.
pub(crate) fn base_without(addresses: &[&str]) -> String {
    without(BASE, addresses)
}

/// Manifests without those of some addresses.
pub(crate) fn without(text: &str, addresses: &[&str]) -> String {
    let is_of = |document: &str, address: &str| {
        let (kind, name) = address.split_once('/').expect("an address");
        document.contains(&format!("kind: {kind}\n")) && document.contains(&format!("name: {name}"))
    };
    let documents: Vec<&str> = text.split("---\n").filter(|document| !document.trim().is_empty()).collect();
    for address in addresses {
        assert!(documents.iter().any(|document| is_of(document, address)), "there is no {address}");
    }
    let kept = documents.into_iter().filter(|document| !addresses.iter().any(|address| is_of(document, address)));
    kept.flat_map(|document| ["---\n", document]).collect()
}
