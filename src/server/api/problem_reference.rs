//! The reference page of problems and scopes.

use super::problem::ProblemCode;
use crate::kinds::explain::table;
use crate::object::access::Scope;

/// The page.
#[must_use]
pub fn problems_reference() -> String {
    let mut page = String::from(
        "# Problems and scopes of the API\n\n\
         A failed request is answered with `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail` and \
         `code`; `errors`, a list of `{\"place\", \"detail\"}`, where there are several faults or one has a place. Codes are \
         added and never renamed; what people read may change. `x-request-id` of the answer is found in the server's \
         log.\n\n\
         `POST /accounts/connect/token` answers failures as OAuth 2 does (`{\"error\", \"error_description\"}`), \
         `POST /hooks/{token}` in its own list; the statuses are the same.\n\n",
    );
    let mut rows = vec![["Code", "Status", "Meaning"].map(str::to_owned).to_vec()];
    rows.extend(
        ProblemCode::ALL
            .iter()
            .map(|code| vec![format!("`{}`", code.as_str()), code.status().as_u16().to_string(), code.meaning()]),
    );
    page.push_str(&table(&rows));
    page.push_str("\n\n## Scopes\n\nA key holds any of these; none includes another.\n\n");
    let mut rows = vec![["Scope", "Allows"].map(str::to_owned).to_vec()];
    rows.extend(Scope::ALL.iter().map(|scope| vec![format!("`{scope}`"), scope.meaning().to_owned()]));
    page + &table(&rows) + "\n"
}
