use std::sync::LazyLock;

use proptest::prelude::*;
use smallvec::SmallVec;

use super::rights::Rights;
use super::*;

const READ: u32 = 1;
const WRITE: u32 = 2;
const ADMIN: u32 = 4;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let commands = [
        ("get", READ, false),
        ("mget", READ, false),
        ("set", WRITE, false),
        ("select", 0, false),
        ("auth", 0, true),
        ("config", 0, false),
        ("config|get", ADMIN, false),
        ("config|set", ADMIN | WRITE, false),
        ("publish", 0, false),
    ];
    let listed = commands.map(|(name, categories, is_open)| Listed { name, categories, is_open });
    Catalog::new(listed.to_vec(), vec![("read", READ), ("write", WRITE), ("admin", ADMIN)])
});

fn rights(rules: &[&str]) -> Rights {
    let mut rights = Rights::none(&CATALOG, false);
    for rule in rules {
        rights
            .apply(rule.as_bytes(), &CATALOG, false)
            .unwrap_or_else(|why| panic!("{rule}: {why:?}"));
    }
    rights
}

fn error(rules: &[&str], last: &str) -> RuleError {
    let mut rights = rights(rules);
    let before = rights.clone();
    let error = rights.apply(last.as_bytes(), &CATALOG, false).expect_err(last);
    assert_eq!(rights, before, "{last} changed something");
    error
}

fn described(rules: &[&str]) -> String {
    String::from_utf8(rights(rules).describe()).expect("the cases are text")
}

/// A request on a key that is read, written, or both.
fn demand<'a>(
    words: &'a [&'a [u8]],
    keys: &[(usize, &str)],
    channels: &[(usize, bool)],
) -> Demand<'a> {
    let name = match words {
        [b"config", below, ..] => [b"config|", *below].concat(),
        _ => words[0].to_vec(),
    };
    let key = |&(position, uses): &(usize, &str)| KeyUse {
        position,
        reads: uses.contains('r'),
        writes: uses.contains('w'),
    };
    let channel = |&(position, is_pattern): &(usize, bool)| ChannelUse { position, is_pattern };
    Demand {
        command: CATALOG.find(&name).expect("the cases name known commands"),
        words,
        keys: keys.iter().map(key).collect(),
        channels: channels.iter().map(channel).collect(),
    }
}

fn check(rules: &[&str], words: &[&[u8]], keys: &[(usize, &str)]) -> Result<(), Denial> {
    rights(rules).check(&demand(words, keys, &[]), &CATALOG)
}

fn denied(reason: Reason, position: usize) -> Result<(), Denial> {
    Err(Denial { reason, position })
}

#[test]
fn a_new_user_may_nothing_but_log_in() {
    assert_eq!(described(&[]), "off sanitize-payload resetchannels -@all");
    assert_eq!(check(&[], &[b"get", b"k"], &[(1, "r")]), denied(Reason::Command, 0));
    assert_eq!(check(&[], &[b"auth", b"x"], &[]), Ok(()));
    assert!(!rights(&[]).accepts(b""));
}

#[test]
fn rules_are_told_as_they_came_but_for_those_that_say_nothing_any_more() {
    for (rules, commands) in [
        (
            &["+get", "+@read", "-set", "+select|0", "+config|get"][..],
            "-@all +get +@read -set +select|0 +config|get",
        ),
        (&["+get", "-@read", "+get"], "-@all -@read +get"),
        (&["+config|get", "+CONFIG"], "-@all +config"),
        (&["-config", "+config|GET"], "-@all -config +config|get"),
        (&["+select|0", "+select|1", "-select"], "-@all -select"),
        (&["+get|A", "+get|a", "+get|B"], "-@all +get|a +get|b"),
        (&["+get", "allcommands", "-get"], "+@all -get"),
        (&["+@all", "-get", "nocommands"], "-@all"),
        (&["+get", "-@READ"], "-@all +get -@read"),
    ] {
        let text = rights(rules).selectors[0].describe_commands();
        assert_eq!(String::from_utf8_lossy(&text), commands, "{rules:?}");
    }
}

#[test]
fn a_line_is_as_redis_writes_it() {
    let line = described(&[
        "on",
        ">pw",
        "~a*",
        "%R~b*",
        "%W~c*",
        "%RW~d",
        "&ch*",
        "+get",
        "(~x +set)",
        "(~* +@all &*)",
    ]);
    assert_eq!(
        line,
        "on sanitize-payload #30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 \
         ~a* %R~b* %W~c* ~d resetchannels &ch* -@all +get (~x resetchannels -@all +set) \
         (~* &* +@all)"
    );
    assert_eq!(
        described(&["%R~a", "%w~a", "%R"]),
        "off sanitize-payload ~a %R~ resetchannels -@all"
    );
    assert_eq!(
        described(&["nopass", "skip-sanitize-payload", "allkeys", "allchannels"]),
        "off nopass skip-sanitize-payload ~* &* -@all"
    );
    assert_eq!(described(&["on", "+get", "(+set)", "reset"]), described(&[]));
    assert_eq!(described(&["(+set)", "clearselectors"]), described(&[]));
}

#[test]
fn rules_that_are_none() {
    for rule in [
        "foo", "%~a", "%RR~a", "%x~a", "~a b", "&a\tb", "+config|", "+select|", ")", "(on)", "(>x)",
    ] {
        assert_eq!(error(&[], rule), RuleError::Syntax, "{rule}");
    }
    for rule in [
        "+foo",
        "-foo",
        "+",
        "-",
        "+@",
        "+@foo",
        "-select|0",
        "+config|foo",
        "-config|foo",
        "+foo|x",
        "+get|x|y",
        "(+foo)",
        "+get)",
    ] {
        assert_eq!(error(&[], rule), RuleError::UnknownName, "{rule}");
    }
    assert_eq!(error(&[], "+config|get|x"), RuleError::FirstArgOfSubcommand);
    assert_eq!(error(&["allkeys"], "~a"), RuleError::KeysAllowedAlready);
    assert_eq!(error(&["&*"], "&a"), RuleError::ChannelsAllowedAlready);
    assert_eq!(error(&[">a"], "<b"), RuleError::NoSuchPassword);
    assert_eq!(error(&[], &format!("!{}", "a".repeat(64))), RuleError::NoSuchPassword);
    for hash in ["#", "#ab", &format!("#{}", "A".repeat(64)), &format!("!{}", "g".repeat(64))] {
        assert_eq!(error(&[], hash), RuleError::BadHash, "{hash}");
    }
}

#[test]
fn commands_and_what_is_below_them() {
    let allowed = |rules: &[&str], words: &[&[u8]]| check(rules, words, &[]).is_ok();
    assert!(allowed(&["+config"], &[b"config", b"get", b"x"]));
    assert!(allowed(&["+config|get"], &[b"config", b"get", b"x"]));
    assert!(!allowed(&["+config|get"], &[b"config", b"set", b"x"]));
    assert!(!allowed(&["+@all", "-config|set"], &[b"config", b"set"]));
    assert!(allowed(&["+@all", "-config|set"], &[b"config", b"get"]));
    assert!(allowed(&["+@admin"], &[b"config", b"set"]));
    assert!(!allowed(&["+@admin", "-@write"], &[b"config", b"set"]));
    assert!(allowed(&["+select|0"], &[b"select", b"0"]));
    assert!(allowed(&["+select|a"], &[b"select", b"A"]));
    assert!(!allowed(&["+select|0"], &[b"select", b"1"]));
    assert!(!allowed(&["+select|0"], &[b"select"]));
    assert!(!allowed(&["+select|0", "-select"], &[b"select", b"0"]));
}

#[test]
fn keys_are_read_and_written_by_pattern() {
    let rules = ["+@all", "~a*", "%R~r*", "%W~w*"];
    for (key, uses, fits) in [
        ("a1", "rw", true),
        ("r1", "r", true),
        ("r1", "w", false),
        ("r1", "rw", false),
        ("r1", "", true),
        ("w1", "w", true),
        ("w1", "r", false),
        ("w1", "", true),
        ("z", "", false),
        ("z", "r", false),
    ] {
        let outcome = check(&rules, &[b"get", key.as_bytes()], &[(1, uses)]);
        assert_eq!(outcome, if fits { Ok(()) } else { denied(Reason::Key, 1) }, "{key} {uses}");
    }
    let words: &[&[u8]] = &[b"mget", b"a1", b"z1", b"z2"];
    assert_eq!(check(&rules, words, &[(1, "r"), (2, "r"), (3, "r")]), denied(Reason::Key, 2));
}

#[test]
fn channels_by_pattern_and_patterns_word_for_word() {
    let check = |name: &[u8], is_pattern: bool| {
        let user = rights(&["+@all", "&ch*", "&x"]);
        user.check(&demand(&[b"publish", name], &[], &[(1, is_pattern)]), &CATALOG)
    };
    assert_eq!(check(b"chan", false), Ok(()));
    assert_eq!(check(b"ch*", true), Ok(()));
    assert_eq!(check(b"cha*", true), denied(Reason::Channel, 1));
    assert_eq!(check(b"y", false), denied(Reason::Channel, 1));
    assert!(rights(&["(&a*)"]).allows_channel(b"ab", false));
    assert!(!rights(&["(&a*)"]).allows_channel(b"b", false));
}

#[test]
fn one_selector_has_to_allow_all_of_a_request() {
    let rules = ["+get", "~a*", "(+set ~b*)"];
    assert_eq!(check(&rules, &[b"get", b"a"], &[(1, "r")]), Ok(()));
    assert_eq!(check(&rules, &[b"set", b"b"], &[(1, "w")]), Ok(()));
    assert_eq!(check(&rules, &[b"set", b"a"], &[(1, "w")]), denied(Reason::Key, 1));
    assert_eq!(check(&rules, &[b"mget", b"a"], &[(1, "r")]), denied(Reason::Command, 0));
}

#[test]
fn reading_keys_that_are_not_named() {
    let words: &[&[u8]] = &[b"get", b"a"];
    let wanted = || demand(words, &[(1, "r")], &[]);
    let allows = |rules: &[&str]| rights(rules).check_reading_any_key(&wanted(), &CATALOG).is_ok();
    assert!(allows(&["+get", "~*"]) && allows(&["+get", "%R~*"]));
    assert!(!allows(&["+get", "~a*"]) && !allows(&["+get", "%W~*", "%R~a"]) && !allows(&["~*"]));
}

#[test]
fn passwords() {
    let user = rights(&["on", ">one", ">two"]);
    assert!(user.accepts(b"one") && user.accepts(b"two") && !user.accepts(b"three"));
    assert!(!rights(&["on", ">one", "off"]).accepts(b"one"));
    assert!(!rights(&["on", ">one", "<one"]).accepts(b"one"));
    assert!(rights(&["on", ">one", "nopass"]).accepts(b"three"));
    assert!(!rights(&["on", "nopass", ">one"]).accepts(b"three"));
    assert!(!rights(&["on", "nopass", "resetpass"]).accepts(b"three"));
    assert_eq!(generate(5).map(|text| text.len()), Ok(2));
    assert_eq!(generate(256).map(|text| text.len()), Ok(64));
    assert_ne!(generate(256), generate(256));
}

#[test]
fn what_lets_everything_through_is_known() {
    assert!(rights(&["allkeys", "allchannels", "allcommands"]).allows_everything());
    assert!(rights(&["(~* &* +@all)"]).allows_everything());
    for rules in [&["~*", "+@all"][..], &["&*", "+@all"], &["~*", "&*", "+@all", "-get"]] {
        assert!(!rights(rules).allows_everything(), "{rules:?}");
    }
    let acl = Acl::new(&CATALOG);
    let user = acl.default_user();
    assert!(user.is_unrestricted() && acl.is_open());
    acl.change(DEFAULT_USER, &["-get"]).expect("a good rule");
    assert!(!user.is_unrestricted() && acl.is_open());
    acl.set_default_password(b"x");
    assert!(!acl.is_open());
}

#[test]
fn selectors_in_several_words() {
    let join = |words: &[&str]| {
        let joined = join_selectors(words);
        joined.map(|rules| {
            rules.into_iter().map(|rule| String::from_utf8(rule).expect("text")).collect::<Vec<_>>()
        })
    };
    assert_eq!(
        join(&["on", "(+get", "~x)", "off"]),
        Ok(vec!["on".into(), "(+get ~x)".into(), "off".into()])
    );
    assert_eq!(join(&["(", "+get", ")"]), Ok(vec!["( +get )".into()]));
    assert_eq!(join(&["on", "(+get", "~x"]), Err(1));
    assert_eq!(join(&["(+get ~x) "]), Err(0));
}

#[test]
fn a_file_is_taken_whole_or_not_at_all() {
    let acl = Acl::new(&CATALOG);
    acl.change(b"bob", &["on", "+get"]).expect("good rules");
    acl.change(b"eve", &["on"]).expect("good rules");
    let bob = acl.get(b"bob").expect("it was made");
    let text = b" usr x\nuser\nuser a b c\nuser bob +foo -bar\nuser bob +get\nuser c (+get\n\
        user d\te on\nuser f >x ~* ~a\n";
    let error = acl.load(text, "u.acl").err().expect("nearly every line is wrong").to_string();
    assert_eq!(
        error,
        "u.acl:1 should start with user keyword followed by the username. \
         u.acl:2 should start with user keyword followed by the username. \
         u.acl:3: Syntax error. \
         u.acl:4: Error in applying operation '+foo': Unknown command or category name in ACL. \
         u.acl:4: Error in applying operation '-bar': Unknown command or category name in ACL. \
         WARNING: Duplicate user 'bob' found on line 5. \
         u.acl:6: Unmatched parenthesis in selector definition.\
         'u.acl:7: username 'd\te' contains invalid characters. \
         u.acl:8: Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and \
         does not have any effect. Try 'resetkeys' to start with an empty list of patterns. \
         WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    );
    assert_eq!(acl.all().len(), 3);
    let loaded =
        acl.load(b"\r\nuser bob on  +set (~x +get)\r\n  user zed off", "u.acl").expect("good");
    assert_eq!(loaded.removed.len(), 1);
    assert!(loaded.removed[0].is_removed() && !bob.is_removed());
    assert_eq!(
        bob.rights().describe(),
        b"on sanitize-payload resetchannels -@all +set (~x resetchannels -@all +get)"
    );
    assert!(acl.is_open(), "the default user is as new when the file does not name it");
    let text = acl.lines().join(&b'\n');
    acl.load(&text, "u.acl").expect("what is written is read");
    assert_eq!(acl.lines().join(&b'\n'), text);
}

#[test]
fn refusals_alike_are_one_entry() {
    let log = DeniedLog::default();
    let push = |object: &str, at_ms: i64| {
        let denied = Denied {
            count: 0,
            reason: Reason::Key,
            context: Context::TopLevel,
            object: object.into(),
            user: b"bob".to_vec(),
            client: Vec::new(),
            id: 0,
            created_ms: at_ms,
            updated_ms: 0,
        };
        log.push(denied, 3);
    };
    let shown =
        || log.latest(9).into_iter().map(|it| (it.object, it.count, it.id)).collect::<Vec<_>>();
    push("a", 0);
    push("b", 1);
    push("a", 60_000);
    assert_eq!(shown(), [(b"a".to_vec(), 2, 0), (b"b".to_vec(), 1, 1)]);
    push("a", 120_001);
    push("c", 120_002);
    assert_eq!(shown(), [(b"c".to_vec(), 1, 3), (b"a".to_vec(), 1, 2), (b"a".to_vec(), 2, 0)]);
    assert_eq!(log.counts(), Denials { key: 5, ..Denials::default() });
    log.clear();
    assert_eq!(shown(), []);
    log.reset_counts();
    assert_eq!(log.counts(), Denials::default());
}

fn any_rule() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "get",
        "set",
        "mget",
        "select",
        "select|0",
        "select|x",
        "get|a",
        "config",
        "config|get",
        "config|set",
        "publish",
        "@read",
        "@write",
        "@admin",
        "@all",
    ]);
    let command = (any::<bool>(), name).prop_map(|(allows, name)| {
        let first_arg = name.contains('|') && !name.starts_with("config");
        format!("{}{name}", if allows || first_arg { '+' } else { '-' })
    });
    let pattern = prop::sample::select(vec![
        "~a*",
        "~b",
        "%R~a*",
        "%W~b",
        "%RW~c?",
        "resetkeys",
        "~*",
        "&x",
        "&y*",
        "resetchannels",
        "&*",
    ]);
    prop_oneof![3 => command, 2 => pattern.prop_map(String::from)]
}

fn any_rules() -> impl Strategy<Value = Vec<String>> {
    let selector = prop::collection::vec(any_rule(), 0..6);
    let user = prop::sample::select(vec![
        "on",
        "off",
        "nopass",
        ">pw",
        ">other",
        "resetpass",
        "skip-sanitize-payload",
        "clearselectors",
        "reset",
    ]);
    let rule = prop_oneof![
        8 => any_rule(),
        1 => user.prop_map(String::from),
        1 => selector.prop_map(|rules| format!("({})", rules.join(" "))),
    ];
    prop::collection::vec(rule, 0..16)
}

/// Every request on a few keys and channels.
fn every_demand(mut check: impl FnMut(&Demand<'_>)) {
    let uses = ["", "r", "w", "rw"];
    for command in 0..CATALOG.len() {
        for word in ["0", "x", "a", "b", "a1", "c1", "y1", "y*"] {
            let name = CATALOG.get(command).name.as_bytes();
            let words: [&[u8]; 2] = [name, word.as_bytes()];
            for uses in uses {
                let key =
                    KeyUse { position: 1, reads: uses.contains('r'), writes: uses.contains('w') };
                let keys = SmallVec::from_slice(&[key]);
                check(&Demand { command, words: &words, keys, channels: SmallVec::new() });
            }
            for is_pattern in [false, true] {
                let channels = SmallVec::from_slice(&[ChannelUse { position: 1, is_pattern }]);
                check(&Demand { command, words: &words, keys: SmallVec::new(), channels });
            }
        }
    }
}

proptest! {
    /// What ACL LIST tells of a user, given to ACL SETUSER for a new one, makes the same user.
    #[test]
    fn a_line_gives_the_same_user(rules in any_rules(), open_channels: bool) {
        let mut user = Rights::none(&CATALOG, open_channels);
        for rule in &rules {
            // Some do not fit what came before, and change nothing.
            _ = user.apply(rule.as_bytes(), &CATALOG, open_channels);
        }
        let line = user.describe();
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let mut again = Rights::none(&CATALOG, open_channels);
        for rule in join_selectors(&words).expect("parentheses are closed") {
            let applied = again.apply(&rule, &CATALOG, open_channels);
            prop_assert_eq!(applied, Ok(()), "{}", rule.escape_ascii());
        }
        prop_assert_eq!(again.describe(), line);
        prop_assert_eq!(&again.passwords, &user.passwords);
        every_demand(|demand| {
            assert_eq!(again.check(demand, &CATALOG), user.check(demand, &CATALOG), "{rules:?}");
        });
    }

    #[test]
    fn no_rule_makes_it_fall_over(rules: Vec<Vec<u8>>) {
        let mut user = Rights::none(&CATALOG, false);
        for rule in &rules {
            _ = user.apply(rule, &CATALOG, false);
        }
        if let Ok(joined) = join_selectors(&rules) {
            joined.iter().for_each(|rule| _ = user.apply(rule, &CATALOG, false));
        }
        user.describe();
    }
}
