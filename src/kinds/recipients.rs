//! Who a Notification or a workflow's `notify` step is for: audiences, end users, or both.

use super::finding::Findings;
use super::reference::Reference;
use crate::base::code::Code;
use crate::base::path::Path;

/// Above this many end users an audience is recommended (domain §1.3); more than 100 are refused by the schema.
const RECOMMENDED_END_USERS: usize = 10;

/// Checks that there is somebody, and not too many by name. `at` is the map that has the two lists.
pub fn check(audiences: &[Reference], end_users: &[String], at: &Path, findings: &mut Findings) {
    if audiences.is_empty() && end_users.is_empty() {
        findings
            .error(Code::ExclusiveFields, at.clone(), "neither audiences nor endUsers are given")
            .help("give at least one of the two");
    }
    if end_users.len() > RECOMMENDED_END_USERS {
        findings
            .warning(
                Code::TooManyEndUsers,
                at.key("endUsers"),
                format!(
                    "{} end users are named; above {RECOMMENDED_END_USERS} an audience is recommended",
                    end_users.len()
                ),
            )
            .help("make an Audience of them");
    }
}

/// Both lists are sets.
pub fn normalise(audiences: &mut Vec<Reference>, end_users: &mut Vec<String>) {
    audiences.sort();
    audiences.dedup();
    end_users.sort();
    end_users.dedup();
}

/// `2 audiences and 3 end users`; counts only, because end users are personal.
#[must_use]
pub fn counted(audiences: usize, end_users: usize) -> String {
    let count = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    };
    [count(audiences, "audience"), count(end_users, "end user")].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_counted() {
        assert_eq!(counted(2, 3), "2 audiences and 3 end users");
        assert_eq!(counted(1, 0), "1 audience");
        assert_eq!(counted(0, 1), "1 end user");
    }
}
