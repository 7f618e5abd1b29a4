//! `plan -o json` and `plan --out`: the same document.

use std::io::{self, BufWriter, Write};

use crate::plan::file_v1::PlanV1;
use crate::plan::plan_value::Plan;

/// Writes the document of a plan.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, plan: &Plan, show_personal: bool) -> io::Result<()> {
    // In large pieces: the serializer writes a few bytes at a time, each of which a terminal's writer would inspect.
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, &PlanV1::from_plan(plan, show_personal))?;
    writeln!(out)?;
    out.flush()
}
