//! A notification that is sent: every rule of the call (domain §1.4), and what is kept of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{ID_LIMIT, NotificationError, Notifications, Template, Workstation};
use crate::base::code::Code;
use crate::base::ident::{Name, ObjectId};
use crate::behaviour::fault::Fault;
use crate::kinds::placeholder::{bare_name, hash_names};
use crate::kinds::template::{NotificationType, TemplateSpec};
use crate::kinds::{Spec, time};
use crate::object::notification::{
    AUDIENCES_LIMIT, END_USERS_LIMIT, NotificationBody, NotificationSent, NotificationState, OverrideEntry,
};
use crate::runtime::configuration::Configuration;
use crate::store::{SentDetails, SentNotification, StoreError};

/// How long a notification without an end lasts: 30 days of 24 hours.
const DEFAULT_LENGTH: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Bytes of a title.
const TITLE_LIMIT: usize = 4_000;
/// Bytes of a text, and of a placeholder's value.
const TEXT_LIMIT: usize = 40_000;
/// The most overrides.
const OVERRIDES_LIMIT: usize = 1_000;

/// Who sends a notification; what is left out is filled in accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A caller: the system may be left out when there is one workstation, the type is `push` (domain §1.4).
    Caller,
    /// A step of a run, as often as it is tried under one id: the system and the type are the template's.
    Step {
        /// The notification's id.
        id: ObjectId,
    },
}

/// When it starts and ends.
#[derive(Clone, Copy)]
struct Times {
    start: Timestamp,
    end: Timestamp,
}

impl Notifications {
    /// Sends a notification: keeps it, and marks its template as used, which freezes it.
    ///
    /// Guarantees: when it returns, the notification is on the disk, and from its start to its end it is in the inboxes
    /// of everybody it is for.
    ///
    /// # Errors
    /// [`NotificationError::Invalid`] with every rule it breaks; when the store cannot be read or written.
    pub async fn send(
        &self,
        project: &Name,
        body: &NotificationBody,
        sender: Sender,
        actor: &str,
    ) -> Result<NotificationSent, NotificationError> {
        let configuration = self.configurations.of(project).await?;
        let now = self.timer.now();
        let mut faults = Vec::new();
        check_form(body, &mut faults);
        let times = times(body, now, &mut faults);
        let template = self.named_template(project, &configuration, body, &mut faults).await?;
        let spec = template.as_ref().and_then(Template::spec);
        let system = system_of(body, &configuration, spec, sender, &mut faults);
        let overrides = overrides(body, spec, &mut faults);
        let audiences = audiences(body, &configuration, &mut faults);
        let (Some(template), Some(system), Some(times), true) = (template, system, times, faults.is_empty()) else {
            return Err(NotificationError::Invalid(faults));
        };
        let ids = self.ids(project, system).await?;
        let end_users: BTreeSet<&String> = body.end_users_ids.iter().flatten().collect();
        let end_users = end_users.into_iter().map(|id| ids.kept(id)).collect::<Result<Vec<_>, _>>()?;
        let notification_type = body.notification_type.or_else(|| match sender {
            Sender::Caller => None,
            Sender::Step { .. } => template.spec().map(|spec| spec.notification_type),
        });
        let notification = SentNotification {
            id: match sender {
                Sender::Caller => ObjectId(uuid::Uuid::new_v4()),
                Sender::Step { id } => id,
            },
            system: system.object.id,
            template: template.id(),
            start_at: times.start,
            end_at: times.end,
            details: SentDetails {
                notification_type: notification_type.unwrap_or(NotificationType::Push),
                title: body.title.clone(),
                runtime_title: body.runtime_title.clone(),
                runtime_description: body.runtime_description.clone(),
                overrides,
                audiences,
                end_users: end_users.len(),
            },
        };
        // First, so that the text cannot change under what was sent.
        if let Template::Live(object) = &template {
            match self.store.mark_used(project, &object.address, actor).await {
                Ok(_) => {}
                Err(StoreError::Absent(_)) => {
                    let message = format!("the template {} was removed just now", template.id());
                    let fault = Fault::new(Code::UnknownReference, "notification.templateId", message);
                    return Err(NotificationError::Invalid(vec![fault]));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let kept = if self.store.keep_notification(project, &notification, &end_users, actor).await? {
            notification
        } else {
            self.store.reads().sent_notification(project, notification.id).await?.unwrap_or(notification)
        };
        Ok(NotificationSent { id: kept.id, state: NotificationState::at(now, kept.start_at, kept.end_at) })
    }

    async fn named_template(
        &self,
        project: &Name,
        configuration: &Configuration,
        body: &NotificationBody,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<Template>, NotificationError> {
        let Some(id) = id_in(&body.template_id, "notification.templateId", faults) else { return Ok(None) };
        let found = self.template(project, configuration, id).await?;
        if found.is_none() {
            let message = format!("there is no template with the id {id}");
            faults.push(Fault::new(Code::UnknownReference, "notification.templateId", message));
        }
        Ok(found)
    }
}

fn check_form(body: &NotificationBody, faults: &mut Vec<Fault>) {
    let mut texts = |field: &str, text: Option<&String>, limit: usize| {
        if text.is_some_and(|text| text.is_empty() || text.len() > limit) {
            let message = format!("`{field}` has 1 to {limit} bytes; one that is not used is left out");
            faults.push(Fault::new(Code::InvalidValue, format!("notification.{field}"), message));
        }
    };
    texts("title", body.title.as_ref(), TITLE_LIMIT);
    texts("runtimeTitle", body.runtime_title.as_ref(), TITLE_LIMIT);
    texts("runtimeDescription", body.runtime_description.as_ref(), TEXT_LIMIT);
    for (n, id) in body.end_users_ids.iter().flatten().enumerate() {
        if id.is_empty() || id.len() > ID_LIMIT {
            let message = format!("the id of an end user has 1 to {ID_LIMIT} bytes");
            faults.push(Fault::new(Code::InvalidValue, format!("notification.endUsersIds[{n}]"), message));
        }
    }
    let mut count = |field: &str, count: Option<usize>, limit: usize| {
        let (code, message) = match count {
            Some(0) => (Code::InvalidValue, format!("`{field}` is empty; one that is not used is left out")),
            Some(many) if many > limit => {
                let code = if field == "endUsersIds" { Code::TooManyEndUsers } else { Code::InvalidValue };
                (code, format!("`{field}` has at most {limit} elements, not {many}"))
            }
            Some(_) | None => return,
        };
        faults.push(Fault::new(code, format!("notification.{field}"), message));
    };
    count("endUsersIds", body.end_users_ids.as_ref().map(Vec::len), END_USERS_LIMIT);
    count("audiencesIds", body.audiences_ids.as_ref().map(Vec::len), AUDIENCES_LIMIT);
    count("override", body.overrides.as_ref().map(Vec::len), OVERRIDES_LIMIT);
    if body.end_users_ids.is_none() && body.audiences_ids.is_none() {
        let message = "neither endUsersIds nor audiencesIds is given; at least one of the two is";
        faults.push(Fault::new(Code::ExclusiveFields, "notification", message));
    }
}

fn times(body: &NotificationBody, now: Timestamp, faults: &mut Vec<Fault>) -> Option<Times> {
    let mut read = |field: &str, text: Option<&String>, default: Timestamp| match text.map(|text| time::parse(text)) {
        None => Some(default),
        Some(Ok(at)) => Some(at),
        Some(Err(error)) => {
            faults.push(Fault::new(Code::InvalidTime, format!("notification.{field}"), error.to_string()));
            None
        }
    };
    let start = read("startAt", body.start_at.as_ref(), now);
    let default_end = start.unwrap_or(now).max(now).checked_add(DEFAULT_LENGTH).unwrap_or(Timestamp::MAX);
    let end = read("endAt", body.end_at.as_ref(), default_end)?;
    let start = start?;
    // Without a start it has begun just now, and an end before that is simply past.
    if end <= start && body.start_at.is_some() {
        faults.push(Fault::new(Code::TimeOrder, "notification.endAt", "endAt is not after startAt"));
        return None;
    }
    if end <= now {
        let message = format!("endAt is past already: it is {}", time::canonical(now));
        faults.push(Fault::new(Code::InvalidTime, "notification.endAt", message));
        return None;
    }
    Some(Times { start, end })
}

/// The system it appears on, which is the template's too.
fn system_of<'c>(
    body: &NotificationBody,
    configuration: &'c Configuration,
    template: Option<&TemplateSpec>,
    sender: Sender,
    faults: &mut Vec<Fault>,
) -> Option<Workstation<'c>> {
    let templates_own = template.and_then(|template| template.system.as_ref());
    let named = match (&body.system_id, sender) {
        (Some(id), Sender::Caller | Sender::Step { .. }) => Some(id.as_str()),
        (None, Sender::Step { .. }) => templates_own.map(Name::as_str),
        (None, Sender::Caller) => None,
    };
    let system = workstation(named, "notification.systemId", configuration, faults)?;
    if let Some(other) = templates_own.filter(|other| **other != system.object.address.name) {
        let message = format!("the template belongs to System/{other}, not to {}", system.object.address);
        faults.push(Fault::new(Code::InvalidValue, "notification.templateId", message));
    }
    Some(system)
}

/// The workstation system of a systemId (or name), or else the only one there is.
pub(super) fn workstation<'c>(
    named: Option<&str>,
    field: &str,
    configuration: &'c Configuration,
    faults: &mut Vec<Fault>,
) -> Option<Workstation<'c>> {
    let mut fault = |code, message: String| {
        faults.push(Fault::new(code, field, message));
        None
    };
    if let Some(text) = named {
        let Some(object) = configuration.system(text) else {
            let shown: String = text.chars().take(80).collect();
            return fault(Code::UnknownReference, format!("there is no system `{shown}`"));
        };
        return Workstation::of(object)
            .or_else(|| fault(Code::NotAWorkstation, format!("{} is not a workstation system", object.address)));
    }
    let mut all = Workstation::all(configuration);
    match (all.next(), all.next()) {
        (Some(only), None) => Some(only),
        (None, _) => fault(Code::SystemRequired, "the project has no workstation system".to_owned()),
        (Some(_), Some(_)) => {
            fault(Code::SystemRequired, "the project has several workstation systems: say which by its systemId".into())
        }
    }
}

/// The overrides by bare name, each of which must be a placeholder of the template or of the notification's own texts.
fn overrides(
    body: &NotificationBody,
    template: Option<&TemplateSpec>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, String> {
    let own = [&body.title, &body.runtime_title, &body.runtime_description];
    let known = template.map(|template| {
        let mut known = template.placeholders();
        known.extend(own.into_iter().flatten().flat_map(|text| hash_names(text)));
        known
    });
    let mut overrides = BTreeMap::new();
    for (n, OverrideEntry { key, value }) in body.overrides.iter().flatten().take(OVERRIDES_LIMIT).enumerate() {
        let at = |field: &str| format!("notification.override[{n}].{field}");
        let name = bare_name(key);
        let shown: String = name.chars().take(80).collect();
        if known.as_ref().is_some_and(|known| !known.contains(name)) {
            let message = format!("the template has no placeholder `{shown}`");
            faults.push(Fault::new(Code::UnknownOverride, at("key"), message));
        }
        if value.len() > TEXT_LIMIT {
            let message = format!("a value has at most {TEXT_LIMIT} bytes");
            faults.push(Fault::new(Code::InvalidValue, at("value"), message));
        }
        if overrides.insert(name.to_owned(), value.clone()).is_some() {
            faults.push(Fault::new(Code::DuplicateKey, at("key"), format!("`{shown}` is given twice")));
        }
    }
    overrides
}

fn audiences(body: &NotificationBody, configuration: &Configuration, faults: &mut Vec<Fault>) -> Vec<ObjectId> {
    let mut found = BTreeSet::new();
    for (n, text) in body.audiences_ids.iter().flatten().take(AUDIENCES_LIMIT).enumerate() {
        let field = format!("notification.audiencesIds[{n}]");
        let Some(id) = id_in(text, &field, faults) else { continue };
        match configuration.by_id(id).map(|object| &object.spec) {
            Some(Spec::Audience(_)) => {
                found.insert(id);
            }
            Some(_) | None => {
                let message = format!("there is no audience with the id {id}");
                faults.push(Fault::new(Code::UnknownReference, field, message));
            }
        }
    }
    found.into_iter().collect()
}

fn id_in(text: &str, field: &str, faults: &mut Vec<Fault>) -> Option<ObjectId> {
    match text.parse() {
        Ok(id) => Some(id),
        Err(_) => {
            faults.push(Fault::new(Code::InvalidValue, field, "an id is a UUID, with or without hyphens"));
            None
        }
    }
}
