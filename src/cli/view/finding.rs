//! What is wrong, and where: the one shape in which annotations and SARIF take problems of manifests and what policies
//! object to.

use std::str::FromStr;

use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::diagnostic_record::records;
use crate::base::diagnostic_record::{DiagnosticRecord, RelatedRecord};
use crate::base::source::SourceMap;
use crate::kinds::policy::RuleSeverity;
use crate::plan::plan_value::{Plan, Refusal};
use crate::plan::policy_finding::PolicyFinding;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Which rule: the code of a diagnostic, `policy/NAME`, `refused`, `plan`.
    pub rule: String,
    /// What the rule is, where it is documented.
    pub title: Option<&'static str>,
    /// The rule's documentation.
    pub explanation: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The manifest.
    pub address: Option<String>,
    /// Where.
    pub place: Option<Place>,
    /// Other places that have to do with it.
    pub related: Vec<RelatedRecord>,
}

/// A place in a file; lines and columns count from 1, columns in characters, the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the project's folder, with forward slashes.
    pub file: String,
    /// First line and column; `None` for the file as such.
    pub start: Option<(u32, u32)>,
    /// Line and column of the end.
    pub end: Option<(u32, u32)>,
}

impl Finding {
    /// What is wrong with manifests: errors first, each severity by place.
    #[must_use]
    pub fn of_diagnostics(diagnostics: &[Diagnostic], sources: &SourceMap) -> Vec<Self> {
        sorted(records(diagnostics, sources).iter().map(Self::of_record).collect())
    }

    /// What a plan has that lies somewhere: warnings of its manifests and what its policies object to.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        let policies = plan.review.policies.iter().map(Self::of_policy);
        sorted(policies.chain(plan.diagnostics.iter().map(Self::of_record)).collect())
    }

    /// Likewise, and what has no place: why apply would refuse it, and what a reviewer should read.
    #[must_use]
    pub fn of_plan_and_its_notes(plan: &Plan) -> Vec<Self> {
        let mut findings = Self::of_plan(plan);
        for refusal in &plan.refusals {
            let is_told = matches!(refusal, Refusal::Policy { .. }) && !plan.review.policies.is_empty();
            if !is_told {
                findings.push(Self::bare(Severity::Error, "refused", refusal.to_string()));
            }
        }
        let warnings = plan.warnings.iter().map(|warning| Self::bare(Severity::Warning, "plan", warning.clone()));
        findings.extend(warnings);
        sorted(findings)
    }

    fn bare(severity: Severity, rule: &str, message: String) -> Self {
        let rule = rule.to_owned();
        let (title, explanation, help, address, place) = (None, None, None, None, None);
        Self { severity, rule, title, explanation, message, help, address, place, related: Vec::new() }
    }

    fn of_record(record: &DiagnosticRecord) -> Self {
        let DiagnosticRecord { severity, code, message, file, address, path: _, help, related, .. } = record;
        let known = Code::from_str(code).ok();
        let place = file.as_ref().map(|file| Place {
            file: file.clone(),
            start: record.line.zip(record.column),
            end: record.end_line.zip(record.end_column),
        });
        Self {
            severity: *severity,
            rule: code.clone(),
            title: known.map(Code::title),
            explanation: known.map(Code::explanation),
            message: message.clone(),
            help: help.clone(),
            address: address.clone(),
            place,
            related: related.clone(),
        }
    }

    fn of_policy(finding: &PolicyFinding) -> Self {
        let PolicyFinding { policy, address, severity, message, location } = finding;
        let severity = match severity {
            RuleSeverity::Error => Severity::Error,
            RuleSeverity::Warning => Severity::Warning,
        };
        let place = location.as_ref().map(|at| Place {
            file: at.file.to_string(),
            start: Some((at.line, at.column)),
            end: Some((at.end_line, at.end_column)),
        });
        let address = address.to_string();
        let bare = Self::bare(severity, &format!("policy/{policy}"), message.clone());
        Self { address: Some(address), place, ..bare }
    }
}

/// Errors first; otherwise they stay in their order.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.severity);
    findings
}
