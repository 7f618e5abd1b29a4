//! What a control plane does beside keeping configuration: asked for by the verbs that send and look.

use super::Server;
use super::call::{Base, Call};
use crate::object::notification::{NotificationCall, NotificationSent};
use crate::provider::ProviderError;

impl Server {
    /// Sends a notification. It is sent once: should no answer come, it is not known whether it was sent.
    ///
    /// # Errors
    /// When it is refused, or the server does not answer.
    pub async fn send_notification(&self, call: &NotificationCall) -> Result<NotificationSent, ProviderError> {
        let request = Call { base: Base::Version, ..Call::post(&["notifications"], call)? };
        self.once("send the notification", request).await
    }
}
