//! Commands that stand in effects only, and that no client can call.

use super::words::key_flags;
use super::{Group, KeySpec, Spec};

/// Every internal command.
pub static ALL: &[&Spec] = &[&XIDMPCOUNT];

static XIDMPCOUNT: Spec = Spec {
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    ..Spec::new("xidmpcount", Group::Stream, 4, "8.10.0")
};
