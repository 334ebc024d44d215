//! Commands that stand in effects only, and that no client can call.

use super::Spec;

/// Every internal command.
pub static ALL: &[&Spec] = &[];
