//! The inbox of one end user: what follows from everything that is known at the moment it is read.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{ID_LIMIT, NotificationError, Notifications, Template, Workstation};
use crate::base::code::Code;
use crate::base::ident::{Name, ObjectId};
use crate::behaviour::fault::Fault;
use crate::behaviour::render::{OwnTexts, Rendered, RenderedButton, render};
use crate::kinds::Kind;
use crate::kinds::overrides::Overrides;
use crate::kinds::reference::Reference;
use crate::object::notification::{Inbox, InboxButton, InboxEntry, MarkedRead};
use crate::runtime::configuration::Configuration;
use crate::store::{SentDetails, SentNotification, StoreError};

/// The attribute that says in which language an end user reads.
const LOCALE: &str = "locale";

/// An end user of one system.
struct Reader<'r> {
    project: &'r Name,
    configuration: &'r Configuration,
    system: Workstation<'r>,
    /// The id as it was given.
    id: &'r str,
    /// The id as it is kept.
    kept: String,
    attributes: Map<String, Value>,
}

impl Reader<'_> {
    fn locale(&self) -> Option<&str> {
        self.attributes.get(LOCALE).and_then(Value::as_str)
    }
}

impl Notifications {
    /// Every active notification that is for an end user, of all workstation systems of the project.
    ///
    /// # Errors
    /// [`NotificationError::Invalid`] for an id that cannot be one; when the store cannot be read.
    pub async fn inbox(&self, project: &Name, end_user: &str) -> Result<Inbox, NotificationError> {
        check_id(end_user, "endUser")?;
        let configuration = self.configurations.of(project).await?;
        let now = self.timer.now();
        let mut notifications = Vec::new();
        for system in Workstation::all(&configuration) {
            let reader = self.reader(project, &configuration, system, end_user).await?;
            let mut found = self.of_manifests(&reader, &configuration, now).await?;
            found.extend(self.of_calls(&reader, now).await?);
            let ids: Vec<ObjectId> = found.iter().map(|entry| entry.id).collect();
            let read = self.store.reads().read_by(system.object.id, &reader.kept, &ids).await?;
            for entry in &mut found {
                entry.read_at = read.get(&entry.id).copied();
                entry.read = entry.read_at.is_some();
            }
            notifications.extend(found);
        }
        notifications.sort_by(|a, b| b.start_at.cmp(&a.start_at).then_with(|| a.id.cmp(&b.id)));
        Ok(Inbox { notifications })
    }

    /// Marks a notification as read by an end user; `None` when it is not in their inbox now. Marking it again changes
    /// nothing.
    ///
    /// # Errors
    /// As [`Notifications::inbox`]; when the store cannot be written.
    pub async fn mark_read(
        &self,
        project: &Name,
        id: ObjectId,
        end_user: &str,
    ) -> Result<Option<MarkedRead>, NotificationError> {
        check_id(end_user, "endUser")?;
        let configuration = self.configurations.of(project).await?;
        let now = self.timer.now();
        for system in Workstation::all(&configuration) {
            let reader = self.reader(project, &configuration, system, end_user).await?;
            if self.is_for(&reader, &configuration, id, now).await? {
                let read_at = self.store.mark_read(id, system.object.id, &reader.kept).await?;
                return Ok(Some(MarkedRead { id, read_at }));
            }
        }
        Ok(None)
    }

    async fn reader<'r>(
        &self,
        project: &'r Name,
        configuration: &'r Configuration,
        system: Workstation<'r>,
        id: &'r str,
    ) -> Result<Reader<'r>, StoreError> {
        let kept = self.ids(project, system).await?.kept(id)?;
        let attributes = self.store.reads().attributes(system.object.id, &kept).await?;
        Ok(Reader { project, configuration, system, id, kept, attributes })
    }

    async fn is_for(
        &self,
        reader: &Reader<'_>,
        configuration: &Arc<Configuration>,
        id: ObjectId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let system = &reader.system.object.address.name;
        let manifests = self.manifests.of(reader.project, configuration);
        if let Some(manifest) = manifests.iter().find(|manifest| manifest.object.id == id) {
            let addressed =
                manifest.spec().is_some_and(|spec| self.addresses(reader, &spec.end_users, &spec.audiences));
            return Ok(manifest.is_active(now) && manifest.is_on(system) && addressed);
        }
        let found = self.store.reads().active_notifications(reader.system.object.id, &reader.kept, now).await?;
        Ok(found
            .iter()
            .any(|(sent, named)| sent.id == id && (*named || self.is_in_any(reader, &sent.details.audiences))))
    }

    async fn of_manifests(
        &self,
        reader: &Reader<'_>,
        configuration: &Arc<Configuration>,
        now: Timestamp,
    ) -> Result<Vec<InboxEntry>, StoreError> {
        let mut entries = Vec::new();
        for manifest in self.manifests.of(reader.project, configuration).iter() {
            let Some(spec) = manifest.spec() else { continue };
            let here = manifest.is_active(now) && manifest.is_on(&reader.system.object.address.name);
            if !here || !self.addresses(reader, &spec.end_users, &spec.audiences) {
                continue;
            }
            let template = match &spec.template {
                Reference::Name(name) => {
                    configuration.named(Kind::Template, name).map(|object| Template::Live(Arc::clone(object)))
                }
                Reference::Id(id) => self.template(reader.project, configuration, *id).await?,
            };
            let own = OwnTexts {
                title: spec.title.as_deref(),
                runtime_title: spec.runtime_title.as_deref(),
                runtime_description: spec.runtime_description.as_deref(),
                notification_type: spec.notification_type,
            };
            let rendered = rendered(template.as_ref(), own, reader.locale(), &spec.overrides);
            match rendered {
                Some(rendered) => {
                    entries.push(entry(
                        manifest.object.id,
                        reader.system,
                        manifest.start_at,
                        manifest.end_at,
                        rendered,
                    ));
                }
                // A template outside the project was named, whose existence nobody could check.
                None => tracing::warn!(notification = %manifest.object.address, "its template is not there"),
            }
        }
        Ok(entries)
    }

    async fn of_calls(&self, reader: &Reader<'_>, now: Timestamp) -> Result<Vec<InboxEntry>, StoreError> {
        let system = reader.system.object.id;
        let found = self.store.reads().active_notifications(system, &reader.kept, now).await?;
        let mut entries = Vec::new();
        for (sent, named) in found {
            let SentNotification { id, system: _, template, start_at, end_at, details } = sent;
            if !named && !self.is_in_any(reader, &details.audiences) {
                continue;
            }
            let SentDetails { notification_type, title, runtime_title, runtime_description, overrides, .. } = &details;
            let own = OwnTexts {
                title: title.as_deref(),
                runtime_title: runtime_title.as_deref(),
                runtime_description: runtime_description.as_deref(),
                notification_type: Some(*notification_type),
            };
            let template = self.template(reader.project, reader.configuration, template).await?;
            match rendered(template.as_ref(), own, reader.locale(), overrides) {
                Some(rendered) => entries.push(entry(id, reader.system, start_at, end_at, rendered)),
                None => tracing::warn!(notification = %id, "its template is not there"),
            }
        }
        Ok(entries)
    }

    /// Whether a manifest is for an end user. Its ids and the caller's are both as people write them, so they are
    /// compared as they are: whether the system hashes them makes no difference.
    fn addresses(&self, reader: &Reader<'_>, end_users: &[String], audiences: &[Reference]) -> bool {
        end_users.iter().any(|id| id == reader.id)
            || audiences.iter().any(|audience| {
                let audience = match audience {
                    Reference::Name(name) => reader.configuration.named(Kind::Audience, name),
                    Reference::Id(id) => reader.configuration.by_id(*id),
                };
                audience
                    .and_then(|object| self.prepared.audience(object))
                    .is_some_and(|it| it.has(reader.id, &reader.attributes))
            })
    }

    fn is_in_any(&self, reader: &Reader<'_>, audiences: &[ObjectId]) -> bool {
        audiences.iter().any(|id| {
            // An audience that is gone has nobody in it.
            let audience = reader.configuration.by_id(*id).and_then(|object| self.prepared.audience(object));
            audience.is_some_and(|audience| audience.has(reader.id, &reader.attributes))
        })
    }
}

pub(super) fn check_id(id: &str, field: &str) -> Result<(), NotificationError> {
    if id.is_empty() || id.len() > ID_LIMIT {
        let message = format!("the id of an end user has 1 to {ID_LIMIT} bytes");
        return Err(NotificationError::Invalid(vec![Fault::new(Code::InvalidValue, field, message)]));
    }
    Ok(())
}

fn rendered(
    template: Option<&Template>,
    own: OwnTexts<'_>,
    locale: Option<&str>,
    overrides: &Overrides,
) -> Option<Rendered> {
    Some(render(template?.spec()?, own, locale, overrides))
}

fn entry(
    id: ObjectId,
    system: Workstation<'_>,
    start_at: Timestamp,
    end_at: Timestamp,
    rendered: Rendered,
) -> InboxEntry {
    // The title is for administrators.
    let Rendered { notification_type, title: _, runtime_title, body, button, unresolved: _ } = rendered;
    InboxEntry {
        id,
        system_id: system.system_id().to_owned(),
        notification_type,
        runtime_title,
        body,
        button: button.map(|RenderedButton { text, link }| InboxButton { text, link }),
        start_at,
        end_at,
        read: false,
        read_at: None,
    }
}
