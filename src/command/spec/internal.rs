//! Commands that stand in effects only, and that no client can call.

use super::words::key_flags;
use super::{Group, KeySpec, Spec};

/// Every internal command.
pub static ALL: &[&Spec] = &[
    &XASSIGN,
    &XDELIVER,
    &XEXPIRED,
    &XIDMPCOUNT,
    &XPACE,
    &XPASS,
    &XPLACE,
    &XPOLICY,
    &XREDELIVER,
    &XRELEASE,
];

static XASSIGN: Spec = of_stream("xassign", -6);
static XDELIVER: Spec = of_stream("xdeliver", -7);
static XIDMPCOUNT: Spec = of_stream("xidmpcount", 4);
static XEXPIRED: Spec = of_stream("xexpired", -3);
static XPACE: Spec = of_stream("xpace", 5);
static XPASS: Spec = of_stream("xpass", -4);
static XPLACE: Spec = of_stream("xplace", -6);
static XPOLICY: Spec = of_stream("xpolicy", -2);
static XREDELIVER: Spec = of_stream("xredeliver", 7);
static XRELEASE: Spec = of_stream("xrelease", -5);

static FIRST_KEY: &[KeySpec] = &[KeySpec::at(1, key_flags![RW, UPDATE])];

const fn of_stream(name: &'static str, arity: i16) -> Spec {
    Spec { keys: FIRST_KEY, ..Spec::new(name, Group::Stream, arity, "8.10.0") }
}
