//! Where requests go: scheme, host, port and path, without what may be secret or differ by request.

use url::Url;

/// The place of a URL: `https://hooks.acme.test/services/T0`. A query, a fragment, a user and a password are left out,
/// and so is a port that the scheme means anyway.
pub(super) fn place(url: &str) -> String {
    let Ok(url) = Url::parse(url) else {
        // The checks of the kinds let none of these through.
        return url.split(['?', '#']).next().unwrap_or_default().to_owned();
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_no_query_and_no_password() {
        assert_eq!(place("https://U:p@Hooks.Acme.test:443/a%20b/c?token=x#y"), "https://hooks.acme.test/a%20b/c");
        assert_eq!(place("http://127.0.0.1:8080"), "http://127.0.0.1:8080/");
        assert_eq!(place("nonsense?x"), "nonsense");
    }
}
