//! Whole numbers as JSON Schema means them: `10`, and also `10.0` and `1e1`.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// Reads a whole number, however it is written.
///
/// # Errors
/// When it is none, is negative or is too large.
pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = u32;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
            u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
            u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<u32, E> {
            // A whole number is written out without a point, so no rounding hides here.
            number.to_string().parse().map_err(|_| E::invalid_value(Unexpected::Float(number), &self))
        }
    }

    deserializer.deserialize_any(Whole)
}
