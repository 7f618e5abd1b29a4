//! `unused`: a Destination no Webhook uses, a Template or an Audience that nobody is notified with.
//!
//! Says nothing when only a part of the project was loaded: the user may stand in the other part.

use std::collections::HashSet;

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::desired::Desired;
use crate::kinds::{Address, Kind};

pub(super) fn check(desired: &Desired) -> Vec<Diagnostic> {
    if desired.partial {
        return Vec::new();
    }
    let used: HashSet<&Address> =
        desired.objects.iter().flat_map(|object| &object.links).map(|link| &link.to).collect();
    let path = Path::keys("metadata.name");
    let unused = desired.objects.iter().filter(|object| !used.contains(&object.address));
    unused
        .filter_map(|object| {
            let (message, help) = match object.address.kind {
                Kind::Destination => ("no webhook sends to", "remove it, or give it to a webhook"),
                Kind::Template => {
                    ("no notification and no step shows", "remove it, unless callers outside notify by its id")
                }
                Kind::Audience => {
                    ("no notification and no step is for", "remove it, unless callers outside notify it by its id")
                }
                Kind::System
                | Kind::EventType
                | Kind::Notification
                | Kind::Webhook
                | Kind::IncomingWebhook
                | Kind::Workflow => return None,
            };
            let mut warning = Diagnostic::warning(Code::Unused, format!("{message} {}", object.address))
                .of(object.address.to_string())
                .path(path.clone())
                .help(help);
            warning.span = object.positions.find(&path).map(|place| place.value);
            Some(warning)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::sample::{self, said};

    #[test]
    fn what_nobody_uses_is_named() {
        let desired = sample::project(&[
            sample::DESTINATION,
            sample::SYSTEM,
            "kind: System\nmetadata: { name: desk }\nspec: { platform: workstation }\n",
            &sample::webhook("a", "d", "[]"),
            &sample::destination("spare", "https://b.test"),
            "kind: Template\nmetadata: { name: t }\nspec: { system: desk, title: T, runtimeTitle: T, body: B }\n",
            "kind: Audience\nmetadata: { name: everybody }\nspec: { members: [kim] }\n",
        ]);
        assert_eq!(
            said(&desired, super::check),
            [
                "3:19 no notification and no step shows Template/t",
                "3:19 no notification and no step is for Audience/everybody",
                "3:19 no webhook sends to Destination/spare",
            ]
        );
    }

    #[test]
    fn a_part_of_a_project_says_nothing() {
        let mut desired = sample::project(&[sample::DESTINATION]);
        assert_eq!(said(&desired, super::check).len(), 1);
        desired.partial = true;
        assert_eq!(said(&desired, super::check).len(), 0);
    }
}
