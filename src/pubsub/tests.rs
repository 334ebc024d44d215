//! What mailboxes hold after this and that.

use super::tracking::Mode;
use super::*;
use crate::keyspace::ManualClock;

fn office(lines: &str) -> PubSub {
    let config = Config::from_lines(lines).expect("the lines are right");
    PubSub::new(Arc::new(config), ManualClock::new(0))
}

fn mailbox(id: u64, is_resp3: bool) -> Arc<Mailbox> {
    let mailbox = Arc::new(Mailbox::new(id));
    mailbox.set_resp3(is_resp3);
    mailbox
}

fn mail(mailbox: &Mailbox) -> String {
    let mut out = Vec::new();
    mailbox.fetch(&mut out);
    String::from_utf8_lossy(&out).replace("\r\n", " ")
}

fn changed(office: &PubSub, keys: &[&str], origin: u64) {
    let news = keys.iter().map(|key| News::Changed { key: key.as_bytes().into(), origin });
    office.hear(news.collect(), 5, &mut Vec::new());
}

fn tracker(mailbox: &Arc<Mailbox>, mode: Mode, noloop: bool, prefixes: &[&str]) -> Arc<Tracker> {
    let prefixes = prefixes.iter().map(|prefix| prefix.as_bytes().into()).collect();
    Arc::new(Tracker::new(Arc::clone(mailbox), None, mode, noloop, prefixes))
}

#[test]
fn a_message_reaches_channel_and_patterns_in_each_ones_protocol() {
    let office = office("");
    let (old, new) = (mailbox(1, false), mailbox(2, true));
    office.subscribe(Kind::Channel, b"c", &old);
    office.subscribe(Kind::Pattern, b"?", &old);
    office.subscribe(Kind::Pattern, b"?", &new);
    office.subscribe(Kind::ShardChannel, b"c", &new);
    assert_eq!(office.publish(b"c", b"m", 9, &mut Vec::new()), 3);
    assert_eq!(mail(&old), "*3 $7 message $1 c $1 m *4 $8 pmessage $1 ? $1 c $1 m ");
    assert_eq!(mail(&new), ">4 $8 pmessage $1 ? $1 c $1 m ");
    assert_eq!(office.publish_to_shard(b"c", b"m", 9, &mut Vec::new()), 1);
    assert_eq!(mail(&new), ">3 $8 smessage $1 c $1 m ");
    assert_eq!(mail(&old), "");
}

#[test]
fn who_is_addressed_gets_it_although_it_has_left_since() {
    let office = office("");
    let (one, two) = (mailbox(1, false), mailbox(2, false));
    office.subscribe(Kind::Channel, b"c", &one);
    office.subscribe(Kind::Pattern, b"*", &two);
    let message = office.address(Kind::Channel, b"c", b"m");
    assert_eq!(message.receivers(), 2);
    assert_eq!(office.address(Kind::ShardChannel, b"c", b"m").receivers(), 0);
    office.unsubscribe(Kind::Channel, b"c", 1);
    office.send(&message, 7, &mut Vec::new());
    assert_eq!(mail(&one), "*3 $7 message $1 c $1 m ");
    assert_eq!(mail(&two), "*4 $8 pmessage $1 * $1 c $1 m ");
}

#[test]
fn mail_carries_the_position_of_its_cause() {
    let office = office("");
    let subscriber = mailbox(1, false);
    office.subscribe(Kind::Channel, b"c", &subscriber);
    office.publish(b"c", b"m", 40, &mut Vec::new());
    office.publish(b"c", b"m", 30, &mut Vec::new());
    assert_eq!(subscriber.fetch(&mut Vec::new()), 40);
}

#[test]
fn who_leaves_too_much_unread_is_cut_off_and_counted() {
    let office = office("client-output-buffer-limit pubsub 100 0 0");
    let (slow, other) = (mailbox(1, false), mailbox(2, false));
    office.subscribe(Kind::Channel, b"c", &slow);
    office.publish(b"c", &[b'x'; 60], 0, &mut Vec::new());
    office.subscribe(Kind::Channel, b"c", &other);
    assert_eq!(office.publish(b"c", &[b'x'; 60], 0, &mut Vec::new()), 2);
    assert!(slow.is_cut_off() && !other.is_cut_off());
    assert_eq!(office.cut_off(), 1);
    mail(&other);
    office.publish(b"c", b"", 0, &mut Vec::new());
    assert_eq!((office.cut_off(), slow.waiting_bytes()), (1, 0));
}

#[test]
fn a_read_key_is_told_of_once() {
    let office = office("");
    let reader = mailbox(1, true);
    let tracked = tracker(&reader, Mode::Reads, false, &[]);
    let mut is_first = false;
    office.track(&tracked, || is_first = true);
    office.track(&tracked, || panic!("it is tracked already"));
    assert!(is_first);
    office.note_read(b"k", 1, &mut Vec::new());
    office.note_read(b"k", 1, &mut Vec::new());
    office.note_read(b"l", 1, &mut Vec::new());
    assert_eq!(office.tracking_totals(), (1, 2, 2, 0));
    changed(&office, &["k", "k", "other"], 2);
    assert_eq!(mail(&reader), ">2 $10 invalidate *1 $1 k ");
    assert_eq!(office.tracking_totals(), (1, 1, 1, 0));
    office.hear(vec![News::Flushed { origin: 2 }], 0, &mut Vec::new());
    assert_eq!(mail(&reader), ">2 $10 invalidate _ ");
    assert_eq!(office.tracking_totals(), (1, 0, 0, 0));
    let mut is_last = false;
    office.untrack(&tracked, || is_last = true);
    assert!(is_last);
}

#[test]
fn noloop_spares_who_changed_it() {
    let office = office("");
    let (one, two) = (mailbox(1, true), mailbox(2, true));
    office.track(&tracker(&one, Mode::Reads, true, &[]), || {});
    office.track(&tracker(&two, Mode::Reads, true, &[]), || {});
    office.note_read(b"k", 1, &mut Vec::new());
    office.note_read(b"k", 2, &mut Vec::new());
    changed(&office, &["k"], 1);
    assert_eq!(mail(&one), "");
    assert_eq!(mail(&two), ">2 $10 invalidate *1 $1 k ");
}

#[test]
fn broadcasts_gather_the_keys_of_a_step_by_prefix() {
    let office = office("");
    let (some, all) = (mailbox(1, true), mailbox(2, true));
    office.track(&tracker(&some, Mode::Broadcast, false, &["u:", "v:"]), || {});
    office.track(&tracker(&all, Mode::Broadcast, true, &[""]), || {});
    assert_eq!(office.tracking_totals(), (2, 0, 0, 3));
    changed(&office, &["u:1", "w:1", "v:1", "u:2", "u:1"], 9);
    assert_eq!(mail(&some), ">2 $10 invalidate *2 $3 u:1 $3 u:2 >2 $10 invalidate *1 $3 v:1 ");
    assert_eq!(mail(&all), ">2 $10 invalidate *4 $3 u:1 $3 w:1 $3 v:1 $3 u:2 ");
    changed(&office, &["w:1"], 2);
    assert_eq!((mail(&some), mail(&all)), (String::new(), String::new()));
}

#[test]
fn another_connection_is_told_until_it_goes() {
    let office = office("");
    let (reader, other) = (mailbox(1, true), mailbox(2, false));
    let redirected =
        Tracker::new(Arc::clone(&reader), Some(Arc::clone(&other)), Mode::Reads, false, Vec::new());
    let redirected = Arc::new(redirected);
    office.track(&redirected, || {});
    let read_and_change = || {
        office.note_read(b"k", 1, &mut Vec::new());
        changed(&office, &["k"], 3);
    };
    read_and_change();
    assert_eq!(mail(&other), "", "RESP2 gets messages only where it has subscribed");
    other.set_subscribed(true);
    read_and_change();
    assert_eq!(mail(&other), "*3 $7 message $20 __redis__:invalidate *1 $1 k ");
    assert!(!redirected.is_broken());
    other.close();
    read_and_change();
    assert_eq!(mail(&reader), ">2 $21 tracking-redir-broken :2 ");
    assert!(redirected.is_broken());
}

#[test]
fn too_many_tracked_keys_are_let_go() {
    let office = office("tracking-table-max-keys 3");
    let reader = mailbox(1, true);
    office.track(&tracker(&reader, Mode::Reads, false, &[]), || {});
    for key in 0..10 {
        office.note_read(format!("key {key}").as_bytes(), 1, &mut Vec::new());
    }
    assert_eq!(office.tracking_totals(), (1, 3, 3, 0));
    assert_eq!(mail(&reader).matches("invalidate").count(), 7);
}
