//! How much one request may ask or bring. A caller with more asks in parts.

/// Addresses of one `objects/read` or `audit/latest`.
pub const READ_ADDRESSES: usize = 1_000;
/// Questions of one `objects/compare-secrets`.
pub const COMPARE_QUESTIONS: usize = 5_000;
/// Bytes of such requests.
pub const ASKING_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of one object: an audience of 25,000 long ids fits.
pub const OBJECT_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a changeset: it cannot be cut, since it is written whole or not at all. 10,000 objects take some 15 MB.
pub const CHANGESET_BYTES: usize = 128 * 1024 * 1024;
/// Entries of one page of the audit.
pub const AUDIT_ENTRIES: u32 = 10_000;
/// Entries of a page for which no limit was given.
pub const AUDIT_ENTRIES_BY_DEFAULT: u32 = 100;
/// Characters of the name by which somebody says who they are.
pub const ACTOR_CHARACTERS: usize = 200;
