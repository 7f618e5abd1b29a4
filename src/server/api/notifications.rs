//! Notifications: sending them, the attributes that decide who is in an audience, and inboxes.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::endpoint::Endpoint;
use super::events::page_limit;
use super::extract::{Json, Path, Query};
use super::problem::{Answer, Fault, Problem, ProblemCode};
use crate::base::ident::ObjectId;
use crate::behaviour::fault;
use crate::object::access::Scope;
use crate::object::notification::{
    EndUsersUpload, EndUsersUploaded, Inbox, MarkedRead, NotificationCall, NotificationPage, NotificationSent,
};
use crate::runtime::notifications::{NotificationError, Sender};
use crate::server::access::Caller;
use crate::server::state::AppState;

/// Notifications of a page.
const PAGE_LIMIT: u32 = 1_000;
const PAGE: u32 = 100;
/// Bytes of an upload: 100 end users with attributes of some 40 KiB each.
const UPLOAD_LIMIT: usize = 4 * 1024 * 1024;

/// Whose inbox.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InboxQuery {
    /// The id of the end user, as the system knows them: it is hashed here where the system says so.
    #[schemars(length(min = 1, max = 255))]
    end_user: String,
}

/// Which part of the table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TableQuery {
    /// How many sent by calls at the most: 1 to 1,000, 100 when left out.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("send-notification", "/v1/notifications", send)
            .scope(Scope::NotificationsWrite)
            .area("runtime")
            .summary("Send a notification.")
            .describe(
                "From its start to its end it is in the inbox of every end user it names and of everybody who is in one \
                 of its audiences when the inbox is read. The template is frozen by this; an archived one keeps \
                 answering. A key of `override` that is no placeholder of the template is refused; a placeholder without \
                 a value is read as it is written.",
            )
            .json_body::<NotificationCall>()
            .answers::<NotificationSent>(201, "it was sent, or will be at its start")
            .fails(&[ProblemCode::UnknownOutcome]),
        Endpoint::get("list-notifications", "/v1/notifications", table)
            .scope(Scope::RuntimeRead)
            .area("runtime")
            .summary("The table of notifications: those of manifests, then those of calls, the newest first.")
            .query::<TableQuery>()
            .answers::<NotificationPage>(200, "a page of them"),
        Endpoint::post("upload-end-users", "/v1/end-users", upload)
            .scope(Scope::NotificationsWrite)
            .area("runtime")
            .summary("Say attributes of up to 100 end users.")
            .describe(
                "Attributes decide who is in an audience, from the next time an inbox is read; `locale` is the language \
                 of its texts. Those not named stay as they are, `null` takes one away. All end users are written or \
                 none.",
            )
            .json_body::<EndUsersUpload>()
            .body_limit(UPLOAD_LIMIT)
            .answers::<EndUsersUploaded>(200, "they were written")
            .fails(&[ProblemCode::UnknownOutcome]),
        Endpoint::get("read-inbox", "/v1/inbox", inbox)
            .scope(Scope::RuntimeRead)
            .area("runtime")
            .summary("What one end user finds: active notifications in their language, the newest start first.")
            .query::<InboxQuery>()
            .answers::<Inbox>(200, "the inbox; empty for somebody unknown")
            .fails(&[ProblemCode::Invalid]),
        Endpoint::post("mark-notification-read", "/v1/inbox/{id}/read", mark_read)
            .scope(Scope::NotificationsWrite)
            .area("runtime")
            .summary("Say that an end user has read a notification.")
            .describe("Saying it again changes nothing, and editing an active notification does not take it back.")
            .path_parameter::<String>("id", "the id of a notification in the end user's inbox")
            .query::<InboxQuery>()
            .answers::<MarkedRead>(200, "it is read")
            .fails(&[ProblemCode::Invalid, ProblemCode::UnknownOutcome]),
    ]
}

async fn send(
    State(state): State<AppState>,
    caller: Caller,
    Json(call): Json<NotificationCall>,
) -> Answer<(StatusCode, Json<NotificationSent>)> {
    let notifications = state.engine().notifications();
    let sent = notifications.send(&caller.project, &call.notification, Sender::Caller, &caller.actor()).await;
    Ok((StatusCode::CREATED, Json(sent.map_err(refused)?)))
}

async fn table(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<TableQuery>,
) -> Answer<Json<NotificationPage>> {
    let TableQuery { limit, cursor } = query;
    let limit = page_limit(limit, PAGE, PAGE_LIMIT)?;
    let none =
        |_| Problem::new(ProblemCode::MalformedRequest, "`cursor` is `next` of the page before, and this is none");
    let behind = cursor.map(|cursor| cursor.parse().map_err(none)).transpose()?;
    Ok(Json(state.engine().notifications().table(&caller.project, behind, limit).await.map_err(refused)?))
}

async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    Json(upload): Json<EndUsersUpload>,
) -> Answer<Json<EndUsersUploaded>> {
    let end_users = state.engine().notifications().upload(&caller.project, &upload).await.map_err(refused)?;
    Ok(Json(EndUsersUploaded { end_users }))
}

async fn inbox(State(state): State<AppState>, caller: Caller, Query(query): Query<InboxQuery>) -> Answer<Json<Inbox>> {
    let inbox = state.engine().notifications().inbox(&caller.project, &query.end_user).await;
    Ok(Json(inbox.map_err(refused)?))
}

async fn mark_read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<InboxQuery>,
) -> Answer<Json<MarkedRead>> {
    let absent = || Problem::new(ProblemCode::NotFound, "the end user's inbox has no such notification");
    let id: ObjectId = id.parse().map_err(|_| absent())?;
    let marked = state.engine().notifications().mark_read(&caller.project, id, &query.end_user).await;
    marked.map_err(refused)?.map(Json).ok_or_else(absent)
}

fn refused(error: NotificationError) -> Problem {
    match error {
        NotificationError::Invalid(faults) => {
            let told = |fault: fault::Fault| {
                let fault::Fault { code, field, message } = fault;
                Fault { code: Some(code), place: Some(field), detail: message }
            };
            let faults: Vec<Fault> = faults.into_iter().map(told).collect();
            let detail = match faults.as_slice() {
                [only] => format!("{}: {}", only.place.as_deref().unwrap_or_default(), only.detail),
                _ => format!("{} faults; nothing was done", faults.len()),
            };
            Problem::new(ProblemCode::Invalid, detail).faults(faults)
        }
        NotificationError::Store(error) => error.into(),
    }
}
