//! The host that a text leads to, as reviewers read it.

use url::Url;

/// Where a variable stands in the place of the host, or it cannot be told.
pub(super) const ANY_HOST: &str = "any host";

/// Where a mail goes whose domain is a variable.
pub(super) const E_MAIL: &str = "e-mail";

/// Host and port of a URL that is called; `{{variables}}` may stand in it. Lower case, the scheme's own port left out.
pub(super) fn of_url(text: &str) -> String {
    of_link(text).unwrap_or_else(|| ANY_HOST.to_owned())
}

/// Host and port of a link; `None` where it leads to no host (`mailto:`, a permalink, a path).
pub(super) fn of_link(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with('/') && !text.starts_with("//") {
        return None;
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        // A variable that comes before any colon may bring scheme and host with it.
        let before_colon = text.split(':').next().unwrap_or(text);
        return before_colon.contains("{{").then(|| ANY_HOST.to_owned());
    };
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if scheme.contains("{{") || authority.contains("{{") {
        return Some(ANY_HOST.to_owned());
    }
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let parsed = Url::parse(&format!("{scheme}://{authority}")).ok();
    let host = parsed.and_then(|url| {
        let host = url.host_str()?.to_ascii_lowercase();
        Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    });
    Some(host.unwrap_or_else(|| authority.to_lowercase())).filter(|host| !host.is_empty())
}

/// The domain of a mail's recipient, such as `Kim <kim@acme.test>`; [`E_MAIL`] where it is a variable.
pub(super) fn of_mailbox(text: &str) -> String {
    let address = text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')).map_or(text, |(_, it)| it);
    match address.rsplit_once('@') {
        Some((_, domain)) if !domain.contains("{{") && !domain.trim().is_empty() => domain.trim().to_lowercase(),
        Some(_) | None => E_MAIL.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_stands_around_them() {
        for (text, host) in [
            ("https://A.test/x", Some("a.test")),
            ("https://a.test:443/x", Some("a.test")),
            ("http://a.test:8080", Some("a.test:8080")),
            ("https://a.test?q={{x}}", Some("a.test")),
            ("https://a.test/{{x}}#{{y}}", Some("a.test")),
            ("https://a.test\\{{x}}", Some("a.test")),
            ("https://[::1]:9/x", Some("[::1]:9")),
            ("https://münchen.test", Some("xn--mnchen-3ya.test")),
            ("https://{{x}}/y", Some(ANY_HOST)),
            ("https://a.test{{x}}/y", Some(ANY_HOST)),
            ("https://a.test:{{port}}/", Some(ANY_HOST)),
            ("{{scheme}}://a.test", Some(ANY_HOST)),
            ("{{url}}", Some(ANY_HOST)),
            ("{{base}}/x", Some(ANY_HOST)),
            ("https://a.test@evil.test/{{x}}", Some("evil.test")),
            ("app://Open/{{x}}", Some("open")),
            ("mailto:{{x}}", None),
            ("walkme-link:abc", None),
            ("/leads/{{x}}", None),
            ("//{{x}}/y", Some(ANY_HOST)),
            ("/leads/1", None),
            ("https:///x", None),
        ] {
            assert_eq!(of_link(text).as_deref(), host, "{text}");
        }
    }

    #[test]
    fn a_mail_goes_to_its_domain() {
        for (text, host) in [
            ("kim@Acme.test", "acme.test"),
            ("{{name}} <{{user}}@acme.test>", "acme.test"),
            ("{{email}}", E_MAIL),
            ("kim@{{domain}}", E_MAIL),
            ("kim", E_MAIL),
        ] {
            assert_eq!(of_mailbox(text), host, "{text}");
        }
    }
}
