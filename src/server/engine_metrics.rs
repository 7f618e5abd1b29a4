//! What the engine counts, as counters of the server.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::runtime::Engine;
use crate::runtime::deliveries::DeliverySnapshot;

/// Asks the engine each time.
pub(super) struct EngineCollector(pub(super) Arc<Engine>);

impl fmt::Debug for EngineCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineCollector")
    }
}

impl Collector for EngineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let DeliverySnapshot { accepted, queued, delivered, failed, dead, halts, under_way, held, lanes } =
            self.0.deliveries().figures();
        for (name, help, count) in [
            ("events_accepted", "Events accepted, known ones again", accepted),
            ("deliveries_queued", "Deliveries that came of accepted events", queued),
            ("deliveries_delivered", "Attempts that delivered", delivered),
            ("deliveries_failed", "Attempts that failed", failed),
            ("deliveries_dead", "Deliveries given up", dead),
            ("destinations_halted", "Destinations halted because the receiver answered 410", halts),
        ] {
            let counter = ConstCounter::new(count);
            let descriptor = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(descriptor)?;
        }
        for (name, help, value) in [
            ("deliveries_under_way", "Attempts under way now", under_way),
            ("deliveries_held_bytes", "Bytes of deliveries held in memory now", held),
            ("destinations_served", "Destinations with something to do now", lanes),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let descriptor = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(descriptor)?;
        }
        Ok(())
    }
}
