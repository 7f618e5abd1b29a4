//! URLs that trueup or a target calls.

use url::{Host, Url};

/// Why a text is not a URL that can be called.
///
/// # Errors
/// A sentence for the author when it is not an absolute http or https URL with a host, or carries credentials.
pub fn check(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("a URL here is http or https, not `{}`", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("`{text}` has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL carries no user name or password: use auth, so that the secret is kept as one".into());
    }
    Ok(url)
}

/// Whether a URL stays within this machine, where nobody stands on the way.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{check, is_local};

    #[test]
    fn only_absolute_http_urls_without_credentials_pass() {
        assert!(check("https://a.test/x?y=1").is_ok());
        for bad in ["a.test/x", "ftp://a.test", "https://", "https://u:p@a.test", "http:///x y"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_told_from_others() {
        let local = |text: &str| check(text).is_ok_and(|url| is_local(&url));
        assert!(local("http://127.0.0.1:80/") && local("http://[::1]") && local("http://localhost/x"));
        assert!(!local("http://127.0.0.1.test") && !local("http://10.0.0.1") && !local("http://localhost.test"));
    }
}
