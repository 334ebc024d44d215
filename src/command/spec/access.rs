//! The facts of ACL, the commands about users.

use super::words::{categories, flags, integer, one_of, string, token};
use super::{Group, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[&ACL];

pub static ACL: Spec = Spec {
    summary: "Holds the commands about users and what they may do.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &ACL_CAT,
        &ACL_DELUSER,
        &ACL_DRYRUN,
        &ACL_GENPASS,
        &ACL_GETUSER,
        &ACL_HELP,
        &ACL_LIST,
        &ACL_LOAD,
        &ACL_LOG,
        &ACL_SAVE,
        &ACL_SETUSER,
        &ACL_USERS,
        &ACL_WHOAMI,
    ],
    ..Spec::new("acl", Group::Server, -2, "6.0.0")
};

pub static ACL_CAT: Spec = Spec {
    summary: "Lists the categories of commands, or the commands of one.",
    complexity: "O(N) in the number of commands",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW],
    arguments: &[string("category").optional()],
    ..Spec::new("acl|cat", Group::Server, -2, "6.0.0")
};

pub static ACL_DELUSER: Spec = Spec {
    summary: "Deletes users, and closes the connections that are logged in as them.",
    complexity: "O(N) in the number of users and connections",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[string("username").multiple()],
    ..Spec::new("acl|deluser", Group::Server, -3, "6.0.0")
};

pub static ACL_DRYRUN: Spec = Spec {
    summary: "Tells whether a user may run a command, without running it.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[string("username"), string("command"), string("arg").optional().multiple()],
    ..Spec::new("acl|dryrun", Group::Server, -4, "7.0.0")
};

pub static ACL_GENPASS: Spec = Spec {
    summary: "Makes up a password.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW],
    arguments: &[integer("bits").optional()],
    ..Spec::new("acl|genpass", Group::Server, -2, "6.0.0")
};

pub static ACL_GETUSER: Spec = Spec {
    summary: "Describes a user.",
    complexity: "O(N) in the number of rules of the user",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[string("username")],
    ..Spec::new("acl|getuser", Group::Server, 3, "6.0.0")
};

pub static ACL_HELP: Spec = Spec {
    summary: "Lists the subcommands of ACL.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("acl|help", Group::Server, 2, "6.0.0")
};

pub static ACL_LIST: Spec = Spec {
    summary: "Describes every user as a line of the file of users.",
    complexity: "O(N) in the number of users",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("acl|list", Group::Server, 2, "6.0.0")
};

pub static ACL_LOAD: Spec = Spec {
    summary: "Replaces all users by those of the file of users.",
    complexity: "O(N) in the number of users",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("acl|load", Group::Server, 2, "6.0.0")
};

pub static ACL_LOG: Spec = Spec {
    summary: "Shows what users were refused lately, or forgets it.",
    complexity: "O(N) in the number of entries shown",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[one_of("operation", &[integer("count"), token("reset", "RESET")]).optional()],
    ..Spec::new("acl|log", Group::Server, -2, "6.0.0")
};

pub static ACL_SAVE: Spec = Spec {
    summary: "Writes all users into the file of users.",
    complexity: "O(N) in the number of users",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Spec::new("acl|save", Group::Server, 2, "6.0.0")
};

pub static ACL_SETUSER: Spec = Spec {
    summary: "Makes a user, or changes what one may do.",
    complexity: "O(N) in the number of rules",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[string("username"), string("rule").optional().multiple()],
    ..Spec::new("acl|setuser", Group::Server, -3, "6.0.0")
};

pub static ACL_USERS: Spec = Spec {
    summary: "Lists the names of the users.",
    complexity: "O(N) in the number of users",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("acl|users", Group::Server, 2, "6.0.0")
};

pub static ACL_WHOAMI: Spec = Spec {
    summary: "Names the user of this connection.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("acl|whoami", Group::Server, 2, "6.0.0")
};
