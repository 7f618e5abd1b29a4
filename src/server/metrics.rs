//! Counters in the text form of Prometheus. An area registers its own with [`Metrics::register`].

use std::sync::{Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

/// Which request, of the few there are: never a path as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// `GET`; `other` for methods that no endpoint has.
    pub method: &'static str,
    /// The path as declared, with parameters in braces; empty where there is nothing.
    pub path: String,
    /// The status answered.
    pub status: u16,
}

/// By path alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PathLabels {
    /// The path as declared.
    pub path: String,
}

/// How an attempt to log in ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LoginLabels {
    /// `issued`, `failed`, `limited`.
    pub outcome: &'static str,
}

/// All counters of the server.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<PathLabels, Histogram>,
    /// Connections open now.
    pub connections: Gauge,
    /// Attempts to log in.
    pub logins: Family<LoginLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Those of requests and connections.
    #[must_use]
    pub fn new() -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let buckets = || Histogram::new(exponential_buckets(0.001, 2.5, 10));
        let durations = Family::<PathLabels, Histogram>::new_with_constructor(buckets as fn() -> Histogram);
        let connections = Gauge::default();
        let logins = Family::<LoginLabels, Counter>::default();
        let mut registry = Registry::with_prefix("trueup");
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "From headers read to headers answered", durations.clone());
        registry.register("http_connections", "Connections open now", connections.clone());
        registry.register("logins", "Attempts to get an access token", logins.clone());
        Self { registry: Mutex::new(registry), requests, durations, connections, logins }
    }

    /// Adds a counter of another area's; `name` without `trueup_` before it and `_total` after it.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }

    /// Adds counters that are asked for when they are read.
    pub fn collect(&self, collector: Box<dyn Collector>) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(collector);
    }

    /// Counts an answered request.
    pub(super) fn answered(&self, labels: &RequestLabels, seconds: f64) {
        self.durations.get_or_create(&PathLabels { path: labels.path.clone() }).observe(seconds);
        self.requests.get_or_create(labels).inc();
    }

    /// All of them as text.
    ///
    /// # Errors
    /// When one cannot be written down.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = String::new();
        text::encode(&mut written, &registry)?;
        Ok(written)
    }
}
