//! The string value.

/// A string (replaced by the full type).
#[derive(Clone, Debug)]
pub struct StringValue;
