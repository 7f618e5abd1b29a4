//! Manifests that are never sent to a target, as they were read.

use std::fmt;

use crate::base::digest::Digest;
use crate::base::ident::Name;
use crate::base::positions::Positions;
use crate::base::source::Span;
use crate::kinds::policy::PolicySpec;
use crate::kinds::test::TestSpec;
use crate::kinds::{ClientKind, ClientSpec, Metadata};

/// Kind and name of such a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress {
    /// The kind.
    pub kind: ClientKind,
    /// The name.
    pub name: Name,
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// One manifest of a client-side kind.
#[derive(Debug)]
pub struct ClientManifest {
    /// Kind and name.
    pub address: ClientAddress,
    /// As written.
    pub metadata: Metadata,
    /// What it says.
    pub spec: ClientSpec,
    /// Digest of what it says, as written.
    pub digest: Digest,
    /// Where its values were written.
    pub positions: Positions,
    /// The document.
    pub span: Span,
}

impl ClientManifest {
    /// What it says, if it is a policy.
    #[must_use]
    pub fn policy(&self) -> Option<&PolicySpec> {
        match &self.spec {
            ClientSpec::Policy(spec) => Some(spec),
            ClientSpec::Test(_) => None,
        }
    }

    /// What it says, if it is a test.
    #[must_use]
    pub fn test(&self) -> Option<&TestSpec> {
        match &self.spec {
            ClientSpec::Test(spec) => Some(spec),
            ClientSpec::Policy(_) => None,
        }
    }
}
