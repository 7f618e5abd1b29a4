//! A **Notification** brings a template to people: audiences, end users, or both, from a start to an end.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Notification
//! metadata: { name: enrolment-reminder }
//! spec:
//!   system: desk
//!   template: lead-assigned            # or { id: 75cfcba6-c320-42cb-938e-4c2bd08a43a3 }
//!   audiences: [sales]                 # names, or { id: … }
//!   endUsers: [kim@acme.test]
//!   type: popup
//!   startAt: "2031-12-01 08:30"
//!   endAt: "2031-12-24"
//!   override: { LEAD_NAME: Contoso, URL: "https://crm.acme.test/leads/1" }
//! ```
//!
//! Times are `YYYY-MM-DD hh:mm` or `YYYY-MM-DD`, both UTC, or RFC 3339 with an offset. Without `startAt` it starts when it
//! is created; without `endAt` it ends 30 days after it is created or starts, whichever is later. A text given here goes
//! before the one of the end user's locale, and that before the template's own.
//!
//! It refers to a System with `platform: workstation` (which may be left out when the project has exactly one), a
//! Template and Audiences. Creating it can reach people at once: the plan says so, and `apply` then needs
//! `--allow-send`. A change updates it in place and does not reset who has read it. Once it has ended it is history:
//! changing it is an error, and a new one needs a new name. A removal deletes it.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Kind;
use super::field::{Compare, DataClass, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::{Before, Creation, Managed, Reach};
use super::overrides::{self, Overrides};
use super::recipients;
use super::reference::Reference;
use super::scope::{Scope, Siblings};
use super::system::check_workstation;
use super::template::{NotificationType, complete_system};
use super::time;
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;

/// How long a notification without an end lasts (domain §1.4): 30 days of 24 hours.
const DEFAULT_LENGTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Spec of a Notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotificationSpec {
    /// The workstation system it appears on; may be absent when the project has exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Name>,
    /// The template with its texts.
    pub template: Reference,
    /// Audiences it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<Reference>,
    /// Ids of end users it is for, at most 100; above 10 an audience is recommended. Personal data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1)))]
    pub end_users: Vec<String>,
    /// How it appears: `push` or `popup`, in any case; the template's type when absent.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NotificationType")]
    pub notification_type: Option<NotificationType>,
    /// Shown to administrators in the table of notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub title: Option<String>,
    /// Title that end users see in the list and in the push message, in place of the template's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub runtime_title: Option<String>,
    /// Text that end users see in the list and in the push message, in place of the template's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub runtime_description: Option<String>,
    /// When it starts; at its creation when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub start_at: Option<String>,
    /// When it ends; 30 days after its creation or start, whichever is later, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub end_at: Option<String>,
    /// Values of the template's placeholders, by name with or without the hashes.
    #[serde(default, rename = "override", skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
}

impl Managed for NotificationSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::Mutable;
    const FIELDS: &'static [Field] = &[
        field("spec.system").refers_to(Kind::System),
        field("spec.template").refers_to(Kind::Template),
        field("spec.audiences").compare(Compare::Set),
        field("spec.audiences[]").refers_to(Kind::Audience),
        field("spec.endUsers").compare(Compare::Set).class(DataClass::Personal),
        field("spec.type"),
        field("spec.title").class(DataClass::Content),
        field("spec.runtimeTitle").class(DataClass::Content),
        field("spec.runtimeDescription").compare(Compare::Text).class(DataClass::Content),
        field("spec.startAt"),
        field("spec.endAt"),
        field("spec.override").compare(Compare::Map),
        field("spec.override.*").class(DataClass::Content),
    ];

    fn complete(&mut self, siblings: &Siblings) -> bool {
        complete_system(&mut self.system, siblings)
    }

    fn normalise(&mut self) {
        recipients::normalise(&mut self.audiences, &mut self.end_users);
        overrides::normalise(&mut self.overrides);
        for at in [&mut self.start_at, &mut self.end_at] {
            if let Some(instant) = read(at.as_deref()) {
                *at = Some(time::canonical(instant));
            }
        }
    }

    fn check(&self, findings: &mut Findings) {
        let spec = Path::keys("spec");
        recipients::check(&self.audiences, &self.end_users, &spec, findings);
        overrides::check(&self.overrides, &spec.key("override"), findings);
        for (key, text) in [("startAt", &self.start_at), ("endAt", &self.end_at)] {
            if let Some(Err(error)) = text.as_deref().map(time::parse) {
                findings.error(Code::InvalidTime, spec.key(key), error.to_string());
            }
        }
        if let (Some(start), Some(end)) = (read(self.start_at.as_deref()), read(self.end_at.as_deref()))
            && end <= start
        {
            findings
                .error(Code::TimeOrder, spec.key("endAt"), "endAt is not after startAt")
                .help(format!("it starts at {}", time::canonical(start)))
                .related("starts here", spec.key("startAt"));
        }
    }

    fn check_in(&self, _name: &Name, scope: &dyn Scope, findings: &mut Findings) {
        check_workstation(self.system.as_ref(), scope, findings);
        let at = Path::keys("spec.override");
        let texts = [&self.title, &self.runtime_title, &self.runtime_description];
        let own: Vec<&str> = texts.into_iter().filter_map(|text| text.as_deref()).collect();
        overrides::check_against(&self.overrides, &self.template, &own, scope, &at, findings);
        if let Some((name, template)) = overrides::template_in(scope, &self.template)
            && let (Some(own), Some(other)) = (&self.system, &template.system)
            && own != other
        {
            findings
                .error(
                    Code::InvalidValue,
                    Path::keys("spec.template"),
                    format!("Template/{name} belongs to System/{other}, not to System/{own}"),
                )
                .help("a notification and its template are of one system");
        }
    }

    fn server_set(&self, creation: &Creation) -> Value {
        self.times(None, creation.now).to_value()
    }

    fn server_set_on_update(&self, before: Before<'_, Self>, now: Timestamp) -> Value {
        self.times(Some(&before), now).to_value()
    }

    fn reach(&self, before: Option<Before<'_, Self>>, now: Timestamp) -> Option<Reach> {
        if !self.times(before.as_ref(), now).include(now) {
            return None;
        }
        let active = before.filter(|before| Times::of(before.server_set).is_some_and(|times| times.include(now)));
        let (audiences, end_users) = match active {
            None => (distinct(&self.audiences, &[]), distinct(&self.end_users, &[])),
            Some(Before { spec, server_set: _ }) => {
                (distinct(&self.audiences, &spec.audiences), distinct(&self.end_users, &spec.end_users))
            }
        };
        (audiences + end_users > 0).then(|| Reach { recipients: recipients::counted(audiences, end_users) })
    }

    fn already_past(&self, now: Timestamp) -> Option<Path> {
        read(self.end_at.as_deref()).filter(|end| *end <= now).map(|_| Path::keys("spec.endAt"))
    }

    fn closed(&self, server_set: &Value, now: Timestamp) -> Option<String> {
        let end = Times::of(server_set)?.end;
        (end <= now).then(|| format!("it ended at {} and is history", time::canonical(end)))
    }
}

impl NotificationSpec {
    /// The effective times if it is written at `now`. A default, once chosen, stays: it would otherwise move with
    /// every change to something else.
    fn times(&self, before: Option<&Before<'_, Self>>, now: Timestamp) -> Times {
        let set = before.and_then(|before| Some((before.spec, Times::of(before.server_set)?)));
        let start = read(self.start_at.as_deref()).unwrap_or_else(|| match set {
            Some((spec, times)) if spec.start_at.is_none() => times.start,
            _ => now,
        });
        let end = read(self.end_at.as_deref()).unwrap_or_else(|| match set {
            Some((spec, times)) if spec.end_at.is_none() && times.end > start => times.end,
            _ => start.max(now).checked_add(DEFAULT_LENGTH).unwrap_or(Timestamp::MAX),
        });
        Times { start, end }
    }
}

/// When a notification starts and ends in fact, as the target keeps it beside the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    start: Timestamp,
    end: Timestamp,
}

impl Times {
    fn of(server_set: &Value) -> Option<Self> {
        let at = |key| read(server_set.get(key).and_then(Value::as_str));
        Some(Self { start: at("startAt")?, end: at("endAt")? })
    }

    fn to_value(self) -> Value {
        let Self { start, end } = self;
        json!({ "startAt": time::canonical(start), "endAt": time::canonical(end) })
    }

    fn include(self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }
}

fn read(text: Option<&str>) -> Option<Timestamp> {
    time::parse(text?).ok()
}

/// How many different elements of `list` are not in `others`.
fn distinct<T: Ord>(list: &[T], others: &[T]) -> usize {
    let others: std::collections::BTreeSet<&T> = others.iter().collect();
    list.iter().collect::<std::collections::BTreeSet<_>>().difference(&others).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::diagnostic::Severity;
    use crate::base::ident::ObjectId;
    use crate::kinds::{Address, Spec};

    fn spec(more: Value) -> NotificationSpec {
        let mut all = json!({"system": "desk", "template": "t", "endUsers": ["kim"]});
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        serde_json::from_value(all).expect("a readable spec")
    }

    fn found(more: Value) -> Vec<(Code, String)> {
        let mut findings = Findings::default();
        spec(more).check(&mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect()
    }

    fn found_in(more: Value) -> Vec<(Severity, Code, String, Option<String>)> {
        let object = |kind: Kind, name: &str, spec: Value| {
            (Address::new(kind, Name::from_any(name)), kind.read_spec(&spec).expect("a readable spec"))
        };
        let template = |system: &str| json!({"system": system, "title": "x", "body": "###NAME###", "button": {"text": "Go", "link": "###URL###"}});
        let scope: BTreeMap<Address, Spec> = [
            object(Kind::System, "desk", json!({"platform": "workstation"})),
            object(Kind::System, "desk-2", json!({"platform": "workstation"})),
            object(Kind::System, "crm", json!({"platform": "web"})),
            object(Kind::Template, "t", template("desk")),
            object(Kind::Template, "other", template("desk-2")),
        ]
        .into();
        let mut findings = Findings::default();
        spec(more).check_in(&Name::from_any("n"), &scope, &mut findings);
        findings.into_vec().into_iter().map(|f| (f.severity, f.code, f.path.to_string(), f.help)).collect()
    }

    fn at(text: &str) -> Timestamp {
        time::parse(text).expect("a time")
    }

    #[test]
    fn somebody_is_addressed_and_not_too_many_by_name() {
        assert_eq!(found(json!({"endUsers": []})), [(Code::ExclusiveFields, "spec".to_owned())]);
        assert_eq!(found(json!({"endUsers": [], "audiences": ["sales"]})), []);
        let users = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(found(json!({"endUsers": users(10)})), []);
        assert_eq!(found(json!({"endUsers": users(11)})), [(Code::TooManyEndUsers, "spec.endUsers".to_owned())]);
    }

    #[test]
    fn times_are_understood_and_in_order() {
        assert_eq!(found(json!({"startAt": "2031-12-01 08:30", "endAt": "2031-12-24"})), []);
        assert_eq!(found(json!({"startAt": "soon"})), [(Code::InvalidTime, "spec.startAt".to_owned())]);
        let order = [(Code::TimeOrder, "spec.endAt".to_owned())];
        assert_eq!(found(json!({"startAt": "2031-12-24", "endAt": "2031-12-24 00:00"})), order);
        assert_eq!(found(json!({"startAt": "2031-12-24T01:00:00+02:00", "endAt": "2031-12-23 22:59"})), order);
    }

    #[test]
    fn the_canonical_form_has_times_in_utc_sorted_sets_and_bare_keys() {
        let mut spec = spec(json!({
            "template": {"id": "75CFCBA6C32042CB938E4C2BD08A43A3"}, "type": "Popup",
            "audiences": ["b", {"id": "cf0bd4c186fd4c79a46ac730d6789e63"}, "a", "b"], "endUsers": ["y", "x", "y"],
            "startAt": "2023-05-10T11:30:00+03:00", "endAt": "2023-06-10", "override": {"###URL###": "u"},
        }));
        spec.normalise();
        assert_eq!(
            serde_json::to_value(&spec).ok(),
            Some(json!({
                "system": "desk", "template": {"id": "75cfcba6-c320-42cb-938e-4c2bd08a43a3"},
                "audiences": ["a", "b", {"id": "cf0bd4c1-86fd-4c79-a46a-c730d6789e63"}], "endUsers": ["x", "y"],
                "type": "popup", "startAt": "2023-05-10T08:30:00Z", "endAt": "2023-06-10T00:00:00Z", "override": {"URL": "u"},
            }))
        );
    }

    #[test]
    fn overrides_fit_the_template() {
        use Severity::{Error, Warning};
        assert_eq!(found_in(json!({"override": {"NAME": "n", "###URL###": "u"}})), []);
        assert_eq!(
            found_in(json!({"override": {"NAMES": "n", "URL": "u"}})),
            [
                (
                    Error,
                    Code::UnknownOverride,
                    "spec.override.NAMES".to_owned(),
                    Some("did you mean `NAME`?".to_owned())
                ),
                (Warning, Code::MissingOverride, "spec.override".to_owned(), Some("add `NAME` to override".to_owned())),
            ]
        );
        let own = json!({"runtimeTitle": "###WHO###", "override": {"NAME": "n", "URL": "u", "WHO": "w"}});
        assert_eq!(found_in(own), [], "its own texts have placeholders too");
        let outside = json!({"template": {"id": "75cfcba6-c320-42cb-938e-4c2bd08a43a3"}, "override": {"X": "y"}});
        assert_eq!(found_in(outside), []);
        assert_eq!(found_in(json!({"template": "unknown"})), []);
    }

    #[test]
    fn system_and_template_fit() {
        let codes = |more| found_in(more).into_iter().map(|(_, code, path, _)| (code, path)).collect::<Vec<_>>();
        let overrides = json!({"NAME": "n", "URL": "u"});
        assert_eq!(
            codes(json!({"template": "other", "override": overrides.clone()})),
            [(Code::InvalidValue, "spec.template".to_owned())]
        );
        assert_eq!(
            codes(json!({"system": "crm", "template": "unknown", "override": overrides})),
            [(Code::NotAWorkstation, "spec.system".to_owned())]
        );
    }

    #[test]
    fn effective_times_have_their_defaults() {
        let created = |more, now| spec(more).server_set(&Creation { id: ObjectId(uuid::Uuid::nil()), now: at(now) });
        assert_eq!(
            created(json!({}), "2031-01-01"),
            json!({"startAt": "2031-01-01T00:00:00Z", "endAt": "2031-01-31T00:00:00Z"})
        );
        assert_eq!(
            created(json!({"startAt": "2031-02-01"}), "2031-01-01"),
            json!({"startAt": "2031-02-01T00:00:00Z", "endAt": "2031-03-03T00:00:00Z"})
        );
        assert_eq!(
            created(json!({"startAt": "2030-01-01"}), "2031-01-01"),
            json!({"startAt": "2030-01-01T00:00:00Z", "endAt": "2031-01-31T00:00:00Z"})
        );
    }

    #[test]
    fn a_chosen_default_stays_and_a_written_time_is_taken() {
        let set = json!({"startAt": "2031-01-01T00:00:00Z", "endAt": "2031-01-31T00:00:00Z"});
        let changed = |old: Value, new: Value| {
            spec(new).server_set_on_update(Before { spec: &spec(old), server_set: &set }, at("2031-01-10"))
        };
        assert_eq!(changed(json!({}), json!({"title": "new"})), set);
        assert_eq!(changed(json!({}), json!({"endAt": "2031-02-10"}))["endAt"], "2031-02-10T00:00:00Z");
        assert_eq!(changed(json!({"endAt": "2031-01-31"}), json!({}))["endAt"], "2031-02-09T00:00:00Z");
    }

    #[test]
    fn an_end_in_the_past_is_told_and_an_ended_one_is_closed() {
        let spec = spec(json!({"endAt": "2031-01-31"}));
        assert_eq!(spec.already_past(at("2031-01-30 23:59")), None);
        assert_eq!(spec.already_past(at("2031-01-31")), Some(Path::keys("spec.endAt")));
        let set = json!({"startAt": "2031-01-01T00:00:00Z", "endAt": "2031-01-31T00:00:00Z"});
        assert_eq!(spec.closed(&set, at("2031-01-30")), None);
        assert_eq!(
            spec.closed(&set, at("2031-02-01")).as_deref(),
            Some("it ended at 2031-01-31T00:00:00Z and is history")
        );
    }

    #[test]
    fn reach_is_who_would_be_reached_at_once() {
        let now = at("2031-01-10");
        let reached = |new: Value, before: Option<(Value, Value)>| {
            let before = before.map(|(old, set)| (spec(old), set));
            let before = before.as_ref().map(|(spec, server_set)| Before { spec, server_set });
            spec(new).reach(before, now).map(|reach| reach.recipients)
        };
        let active = json!({"startAt": "2031-01-01T00:00:00Z", "endAt": "2031-01-31T00:00:00Z"});
        let scheduled = json!({"startAt": "2031-02-01T00:00:00Z", "endAt": "2031-03-01T00:00:00Z"});
        let both = json!({"audiences": ["a", "b"], "endUsers": ["x", "y", "z"]});
        assert_eq!(reached(both, None).as_deref(), Some("2 audiences and 3 end users"));
        assert_eq!(reached(json!({"startAt": "2031-02-01"}), None), None);
        assert_eq!(
            reached(json!({}), Some((json!({"startAt": "2031-02-01"}), scheduled))).as_deref(),
            Some("1 end user"),
            "moved to start now"
        );
        let more = json!({"audiences": ["a"], "endUsers": ["kim", "bo"]});
        assert_eq!(reached(more, Some((json!({}), active.clone()))).as_deref(), Some("1 audience and 1 end user"));
        assert_eq!(reached(json!({"title": "t"}), Some((json!({}), active.clone()))), None);
        let fewer = json!({"endUsers": ["kim", "bo"]});
        assert_eq!(reached(json!({}), Some((fewer, active))), None);
    }
}
