//! URLs that trueup or a target calls.

use url::Url;

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

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_absolute_http_urls_without_credentials_pass() {
        assert!(check("https://a.test/x?y=1").is_ok());
        for bad in ["a.test/x", "ftp://a.test", "https://", "https://u:p@a.test", "http:///x y"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
