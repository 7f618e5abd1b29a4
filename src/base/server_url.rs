//! The address of a control plane, as it stands in a project file or comes with a flag.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// `https://trueup.acme.example`, or with a path under which the server stands behind a proxy.
///
/// Two that mean the same place are equal: scheme and host are in lower case, a default port and a slash at the end are
/// left out.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// Why a text is not a [`ServerUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// No URL at all.
    #[error("it is not a URL such as https://trueup.acme.example")]
    Form,
    /// Another scheme.
    #[error("it must begin with https:// or http://")]
    Scheme,
    /// User and password stand in it.
    #[error("a user or password may not stand in it: they come with clientId and clientSecret")]
    Credentials,
    /// A query or fragment stands in it.
    #[error("a query or fragment may not stand in it")]
    Query,
}

impl ServerUrl {
    /// The URL of a path that begins with a slash.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Whether what is sent there can be read by nobody between: it is encrypted, or does not leave this machine.
    #[must_use]
    pub fn keeps_secrets(&self) -> bool {
        let is_local = match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        };
        self.0.scheme() == "https" || is_local
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| ServerUrlError::Form)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ServerUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ServerUrlError::Query);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ServerUrl {
        text.parse().expect("a server")
    }

    #[test]
    fn what_means_the_same_place_is_equal() {
        assert_eq!(url("https://Trueup.acme.example:443/"), url("https://trueup.acme.example"));
        assert_ne!(url("https://trueup.acme.example"), url("https://trueup.acme.example.evil.test"));
        assert_ne!(url("https://trueup.acme.example"), url("http://trueup.acme.example"));
        assert_eq!(url("https://a.test/x/").at("/v1"), "https://a.test/x/v1");
        assert_eq!(url("https://a.test").at("/v1"), "https://a.test/v1");
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        let problem = |text: &str| text.parse::<ServerUrl>().expect_err("refused");
        assert_eq!(problem("trueup.acme.example"), ServerUrlError::Form);
        assert_eq!(problem("ftp://a.test"), ServerUrlError::Scheme);
        assert_eq!(problem("https://trueup.acme.example@evil.test"), ServerUrlError::Credentials);
        assert_eq!(problem("https://a.test?x=1"), ServerUrlError::Query);
    }

    #[test]
    fn plain_http_keeps_secrets_only_on_this_machine() {
        for safe in ["https://a.test", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:8080"] {
            assert!(url(safe).keeps_secrets(), "{safe}");
        }
        for open in ["http://a.test", "http://10.0.0.1", "http://localhost.evil.test", "http://127.0.0.1.evil.test"] {
            assert!(!url(open).keeps_secrets(), "{open}");
        }
    }
}
