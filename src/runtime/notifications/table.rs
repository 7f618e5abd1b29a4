//! The table of a project's notifications, for administrators.

use std::collections::HashMap;

use super::{NotificationError, Notifications, Workstation};
use crate::base::ident::{Name, ObjectId};
use crate::kinds::reference::Reference;
use crate::kinds::template::NotificationType;
use crate::kinds::{Kind, Spec};
use crate::object::notification::{NotificationPage, NotificationRow, NotificationState};
use crate::runtime::configuration::Configuration;
use crate::store::ListedNotification;

impl Notifications {
    /// The notifications of manifests, by name, and those of calls, the newest first; the former stand on the first page
    /// only. `behind` is where a page before ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn table(
        &self,
        project: &Name,
        behind: Option<i64>,
        limit: u32,
    ) -> Result<NotificationPage, NotificationError> {
        let configuration = self.configurations.of(project).await?;
        let now = self.timer.now();
        let mut notifications = Vec::new();
        if behind.is_none() {
            let manifests = self.manifests.of(project, &configuration);
            let ids: Vec<ObjectId> = manifests.iter().map(|manifest| manifest.object.id).collect();
            let readers = self.store.reads().readers(&ids).await?;
            for manifest in manifests.iter() {
                let Some(spec) = manifest.spec() else { continue };
                let system = spec.system.as_ref().and_then(|name| configuration.named(Kind::System, name));
                let template = match &spec.template {
                    Reference::Name(name) => configuration.named(Kind::Template, name).map(|object| object.id),
                    Reference::Id(id) => Some(*id),
                };
                let live = template.and_then(|id| configuration.by_id(id)).map(|object| &object.spec);
                let templates_type = match live {
                    Some(Spec::Template(template)) => template.notification_type,
                    Some(_) | None => NotificationType::Push,
                };
                notifications.push(NotificationRow {
                    id: manifest.object.id,
                    state: NotificationState::at(now, manifest.start_at, manifest.end_at),
                    name: Some(manifest.object.address.name.clone()),
                    title: spec.title.clone(),
                    system_id: system
                        .and_then(|object| Workstation::of(object))
                        .map(Workstation::system_id)
                        .unwrap_or_default()
                        .to_owned(),
                    template_id: template,
                    notification_type: spec.notification_type.unwrap_or(templates_type),
                    start_at: manifest.start_at,
                    end_at: manifest.end_at,
                    end_users: spec.end_users.len(),
                    audiences: spec.audiences.len(),
                    read_by: readers.get(&manifest.object.id).copied().unwrap_or_default(),
                });
            }
        }
        // One more, to know whether there is a further page.
        let mut sent = self.store.reads().sent_notifications(project, behind, limit.saturating_add(1)).await?;
        let more = sent.len() > limit as usize;
        sent.truncate(limit as usize);
        let next = sent.last().filter(|_| more).map(|listed| listed.sequence.to_string());
        let systems = system_ids(&configuration);
        notifications.extend(sent.into_iter().map(|ListedNotification { sequence: _, notification, read_by }| {
            NotificationRow {
                id: notification.id,
                state: NotificationState::at(now, notification.start_at, notification.end_at),
                name: None,
                title: notification.details.title,
                system_id: systems.get(&notification.system).copied().unwrap_or_default().to_owned(),
                template_id: Some(notification.template),
                notification_type: notification.details.notification_type,
                start_at: notification.start_at,
                end_at: notification.end_at,
                end_users: notification.details.end_users,
                audiences: notification.details.audiences.len(),
                read_by,
            }
        }));
        Ok(NotificationPage { notifications, next })
    }
}

fn system_ids(configuration: &Configuration) -> HashMap<ObjectId, &str> {
    Workstation::all(configuration).map(|system| (system.object.id, system.system_id())).collect()
}
