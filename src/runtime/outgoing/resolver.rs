//! Resolving names so that no connection is ever made to an address that the rules refuse.
//!
//! The check is made on the very addresses that are then connected to. So a name that answers differently the second
//! time (DNS rebinding) gains nothing.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::Egress;

/// All addresses of a name are refused by the rules.
#[derive(Debug, thiserror::Error)]
#[error("its name stands for addresses that are not public ({0}); --allow-egress opens ranges")]
pub(super) struct Blocked(IpAddr);

/// A name has no address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct LookupFailed(String);

/// The addresses of a name, or why there are none.
pub type Found<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Knows the addresses of names.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of a name.
    fn addresses<'a>(&'a self, name: &'a str) -> Found<'a>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

pub(super) struct GuardedResolver {
    pub(super) egress: Egress,
    pub(super) lookup: Arc<dyn Lookup>,
    /// The host of the proxy: whoever runs the server chose it, so its address is not for the rules to refuse.
    pub(super) exempt: Option<String>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let is_exempt = self.exempt.as_deref().is_some_and(|exempt| exempt.eq_ignore_ascii_case(name.as_str()));
        let (egress, lookup) = (self.egress.clone(), Arc::clone(&self.lookup));
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await.map_err(|error| LookupFailed(error.to_string()))?;
            let first = *found.first().ok_or_else(|| LookupFailed("it has no address".to_owned()))?;
            let passed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| is_exempt || egress.permits(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if passed.is_empty() {
                return Err(Blocked(first).into());
            }
            let addresses: Addrs = Box::new(passed.into_iter());
            Ok(addresses)
        })
    }
}
