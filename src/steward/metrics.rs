//! How things stand, for Prometheus: asked for each time, so that series of a project without a name go away with it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::standing::{LeaseState, ProjectStanding, Standing};
use crate::kinds::{Address, Kind};
use crate::reconcile::outcome::Outcome;

/// Asks the standing each time.
#[derive(Debug)]
pub struct StandingCollector(pub Arc<Standing>);

/// Which project.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    path: String,
    project: String,
    target: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    kind: &'static str,
    action: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VersionLabel {
    version: &'static str,
}

/// A value of a project without further labels.
type Single = fn(&ProjectStanding) -> Option<f64>;

/// Name, help and value of those.
const SINGLES: [(&str, &str, Single); 8] = [
    ("last_success_timestamp_seconds", "When a tick last ended well", |project| project.succeeded_at.map(seconds)),
    (
        "applied_commit_timestamp_seconds",
        "When the newest commit was made that live state is known to agree with",
        |project| project.applied.as_ref()?.at.map(seconds),
    ),
    ("seen_commit_timestamp_seconds", "When the newest commit was made that was seen", |project| {
        project.seen.as_ref()?.at.map(seconds)
    }),
    ("suspended", "Whether the project is suspended", |project| Some(bit(project.suspension().is_some()))),
    ("suspended_objects", "Objects that are suspended, or differ and are left alone", |project| {
        Some(number(project.suspended_objects))
    }),
    ("fights", "Objects that are left alone because of a fight", |project| Some(number(project.fights()))),
    ("failures", "Ticks in a row that failed", |project| {
        Some(project.last.as_ref().map_or(0.0, |last| f64::from(last.failures)))
    }),
    ("source_error", "Whether the source could not be brought up to date", |project| {
        let last = project.last.as_ref();
        Some(bit(last.is_some_and(|last| last.source_error.is_some() || is_source_failure(&last.outcome))))
    }),
];

fn is_source_failure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(crate::reconcile::outcome::Failure::Source(_)))
}

fn bit(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn number(value: usize) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

fn seconds(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}

impl Collector for StandingCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let version = VersionLabel { version: env!("CARGO_PKG_VERSION") };
        let mut build = encoder.encode_descriptor("build_info", "The program", None, MetricType::Gauge)?;
        ConstGauge::new(1_u64).encode(build.encode_family(&version)?)?;

        let projects = self.0.projects();
        let projects: Vec<(Labels, &ProjectStanding)> = projects.iter().map(|one| (labels(one), one)).collect();
        for (name, help, value) in SINGLES {
            let all = projects.iter().filter_map(|(labels, project)| Some((labels, value(project)?)));
            let all: Vec<_> = all.map(|(labels, value)| (labels.clone(), ConstGauge::new(value))).collect();
            family(&mut encoder, name, help, MetricType::Gauge, &all)?;
        }
        let by_kind = |of: fn(&ProjectStanding) -> BTreeMap<&'static str, u64>| {
            let known = projects.iter().filter(|(_, project)| project.known.is_some());
            let all = known.flat_map(|(labels, project)| {
                let counts = of(project);
                let gauge = move |kind: &Kind| {
                    let kind = kind.as_str();
                    let value = counts.get(kind).copied().unwrap_or_default();
                    ((labels.clone(), KindLabel { kind }), ConstGauge::new(value))
                };
                Kind::ALL.iter().map(gauge).collect::<Vec<_>>()
            });
            all.collect::<Vec<_>>()
        };
        let differences = by_kind(|project| by_kind_of(project.differences().into_keys()));
        family(
            &mut encoder,
            "differences",
            "Objects that differ and were not written",
            MetricType::Gauge,
            &differences,
        )?;
        let drift = by_kind(|project| by_kind_of(project.drift().into_iter().map(|drifted| &drifted.address)));
        let help = "Objects that were changed outside the manifests and are not healed";
        family(&mut encoder, "drift", help, MetricType::Gauge, &drift)?;

        let states = projects.iter().flat_map(|(labels, project)| {
            LeaseState::ALL.map(|state| {
                let value = u64::from(project.lease() == state);
                ((labels.clone(), StateLabel { state: state.as_str() }), ConstGauge::new(value))
            })
        });
        let states: Vec<_> = states.collect();
        family(&mut encoder, "lease", "1 for who may write just now", MetricType::Gauge, &states)?;

        let actions = projects.iter().flat_map(|(labels, project)| {
            project.actions.iter().map(move |((kind, action, done), count)| {
                let result = if *done { "done" } else { "failed" };
                let further = ActionLabels { kind, action: action.as_str(), result };
                ((labels.clone(), further), ConstCounter::new(*count))
            })
        });
        let actions: Vec<_> = actions.collect();
        family(&mut encoder, "actions", "Actions on objects", MetricType::Counter, &actions)?;
        let ticks = projects.iter().flat_map(|(labels, project)| {
            let count = |(outcome, count): (&&'static str, &u64)| {
                ((labels.clone(), OutcomeLabel { outcome }), ConstCounter::new(*count))
            };
            project.ticks.iter().map(count).collect::<Vec<_>>()
        });
        let ticks: Vec<_> = ticks.collect();
        family(&mut encoder, "ticks", "Looks at source and target", MetricType::Counter, &ticks)?;
        let durations = projects.iter().filter(|(_, project)| project.last.is_some());
        let durations: Vec<_> =
            durations.map(|(labels, project)| (labels.clone(), project.durations.clone())).collect();
        family(&mut encoder, "tick_duration_seconds", "How long a tick took", MetricType::Histogram, &durations)
    }
}

fn labels(project: &ProjectStanding) -> Labels {
    Labels {
        path: project.path.clone(),
        project: project.project.clone().unwrap_or_default(),
        target: project.target.clone().unwrap_or_default(),
    }
}

fn by_kind_of<'a>(addresses: impl Iterator<Item = &'a Address>) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for address in addresses {
        *counts.entry(address.kind.as_str()).or_default() += 1;
    }
    counts
}

/// One metric with all its series; nothing where there are none.
fn family<L: EncodeLabelSet, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    sort: MetricType,
    all: &[(L, M)],
) -> Result<(), fmt::Error> {
    if all.is_empty() {
        return Ok(());
    }
    let name = format!("reconcile_{name}");
    let mut metric: MetricEncoder<'_> = encoder.encode_descriptor(&name, help, None, sort)?;
    for (labels, value) in all {
        value.encode(metric.encode_family(labels)?)?;
    }
    Ok(())
}
