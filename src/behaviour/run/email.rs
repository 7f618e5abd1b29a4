//! The e-mail of a `sendEmail` step, so made that no variable adds a recipient or a header.

use lettre::Address;

use super::place::header::fill_line;
use super::state::RunState;
use super::text::{Refusal, fill_plain};
use super::variables::Variables;
use crate::kinds::workflow::step::SendEmail;

/// An e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Who it comes from.
    pub from: Mailbox,
    /// Who it goes to.
    pub to: Mailbox,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// The same for the same visit of the same run, and for no other: the left part of its Message-ID.
    pub key: String,
}

/// A name, if there is one, and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name that is shown.
    pub name: Option<String>,
    /// `local@domain`.
    pub address: String,
}

/// The e-mail that a step sends.
///
/// # Errors
/// When an address is none, or a variable would add a line to the e-mail's head. The step's exit is then `bounced`.
pub(super) fn build(step: &SendEmail, state: &RunState) -> Result<Email, Refusal> {
    let SendEmail { name: _, from, to, subject, body, routes: _ } = step;
    let of = |what: &str| {
        let what = what.to_owned();
        move |Refusal(reason): Refusal| Refusal(format!("{what}: {reason}"))
    };
    Ok(Email {
        from: mailbox(from, &state.variables).map_err(of("from"))?,
        to: mailbox(to, &state.variables).map_err(of("to"))?,
        subject: fill_line(subject, &state.variables).map_err(of("subject"))?,
        body: fill_plain(body, &state.variables).map_err(of("body"))?,
        key: state.visit_key(),
    })
}

/// `local@domain` or `Name <local@domain>`. Which part is which is decided before variables are replaced.
fn mailbox(template: &str, variables: &Variables) -> Result<Mailbox, Refusal> {
    let (name, address) = match template.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (Some(name), address),
        None => (None, template),
    };
    let name = name.map(|name| fill_line(name, variables)).transpose()?;
    let name = name.map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty());
    let address = fill_line(address, variables)?;
    let address = address.trim().parse::<Address>().map_err(|_| Refusal::new("it is no e-mail address"))?;
    Ok(Mailbox { name, address: address.to_string() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn built(to: &str, subject: &str, value: &str) -> Result<Email, Refusal> {
        let step = json!({"name": "s", "from": "Shop <shop@acme.test>", "to": to, "subject": subject, "body": "{{x}}"});
        let step: SendEmail = serde_json::from_value(step).expect("a readable step");
        let variables = serde_json::from_value(json!({ "x": value })).unwrap_or_default();
        build(&step, &RunState::new("run", variables))
    }

    #[test]
    fn an_email_is_made() {
        let email = built("{{x}}", "For {{x}}", "kim@acme.test").expect("an e-mail");
        assert_eq!(email.from, Mailbox { name: Some("Shop".into()), address: "shop@acme.test".into() });
        assert_eq!(email.to, Mailbox { name: None, address: "kim@acme.test".into() });
        assert_eq!((email.subject.as_str(), email.body.as_str()), ("For kim@acme.test", "kim@acme.test"));
        let named = built("{{x}} <kim@acme.test>", "s", "Evil <evil@acme.test>, Kim").expect("an e-mail");
        assert_eq!(named.to.address, "kim@acme.test");
    }

    #[test]
    fn what_would_reach_others_is_refused() {
        for value in ["", "kim", "a@b.test, c@d.test", "a@b.test;c@d.test", "a@b.test\r\nBcc: c@d.test", "<a@b.test>"] {
            assert!(built("{{x}}", "s", value).is_err(), "{value:?}");
        }
        assert!(built("kim@acme.test", "{{x}}", "a\nBcc: c@d.test").is_err());
        assert!(built("kim@acme.test", "s", "lines\nin the body\n").is_ok());
    }

    proptest! {
        #[test]
        fn there_is_one_recipient(value in "[a@.,;<>\"' \r\nb:-]{0,16}") {
            if let Ok(email) = built("{{x}}", "{{x}}", &value) {
                prop_assert_eq!(email.to.address.matches('@').count(), 1);
                prop_assert!(!email.to.address.contains([',', ';', '<', '>', '\r', '\n', ' ']) || email.to.address.starts_with('"'));
                prop_assert!(!email.subject.contains(['\r', '\n']));
            }
        }
    }
}
