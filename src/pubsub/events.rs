//! Keyspace events as messages: the letters of `notify-keyspace-events`, and the channels.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::keyspace::EventClass;

/// The channels that an event goes to, by the letters K, E, S, T, I, V.
const KEYSPACE: u8 = 1;
const KEYEVENT: u8 = 1 << 1;
const SUBKEYSPACE: u8 = 1 << 2;
const SUBKEYEVENT: u8 = 1 << 3;
const SUBKEYSPACE_ITEM: u8 = 1 << 4;
const SUBKEYSPACE_EVENT: u8 = 1 << 5;

const CHANNELS: [(u8, u8); 6] = [
    (b'K', KEYSPACE),
    (b'E', KEYEVENT),
    (b'S', SUBKEYSPACE),
    (b'T', SUBKEYEVENT),
    (b'I', SUBKEYSPACE_ITEM),
    (b'V', SUBKEYSPACE_EVENT),
];

const CLASSES: [(u8, EventClass); 15] = [
    (b'g', EventClass::GENERIC),
    (b'$', EventClass::STRING),
    (b'l', EventClass::LIST),
    (b's', EventClass::SET),
    (b'h', EventClass::HASH),
    (b'z', EventClass::ZSET),
    (b'x', EventClass::EXPIRED),
    (b'e', EventClass::EVICTED),
    (b't', EventClass::STREAM),
    (b'd', EventClass::MODULE),
    (b'a', EventClass::ARRAY),
    (b'n', EventClass::NEW),
    (b'o', EventClass::OVERWRITTEN),
    (b'c', EventClass::TYPE_CHANGED),
    (b'm', EventClass::KEY_MISS),
];

/// What `A` stands for.
const ALL: &[u8] = b"g$lshzxetda";

/// Which channels events go to.
#[derive(Default)]
pub struct EventChannels(AtomicU8);

impl EventChannels {
    /// Takes the letters of the setting; the classes that are told from now on, which are none where
    /// they would go to no channel.
    pub fn set(&self, letters: &[u8]) -> EventClass {
        let channels = CHANNELS.iter().filter(|(letter, _)| letters.contains(letter));
        let channels = channels.fold(0, |all, (_, channel)| all | channel);
        self.0.store(channels, Ordering::Relaxed);
        if channels == 0 {
            return EventClass::NONE;
        }
        let is_meant = |letter: &u8| {
            letters.contains(letter) || letters.contains(&b'A') && ALL.contains(letter)
        };
        let classes = CLASSES.iter().filter(|(letter, _)| is_meant(letter));
        classes.fold(EventClass::NONE, |all, (_, class)| all.union(*class))
    }

    /// Gives the messages of an event, channel and payload, in Redis's order.
    pub fn messages(
        &self,
        event: &str,
        db: usize,
        key: &[u8],
        subkeys: &[Box<[u8]>],
        mut publish: impl FnMut(&[u8], &[u8]),
    ) {
        let channels = self.0.load(Ordering::Relaxed);
        let channel = |name: &str, rest: &[&[u8]]| {
            let mut channel = format!("__{name}@{db}__:").into_bytes();
            rest.iter().for_each(|part| channel.extend_from_slice(part));
            channel
        };
        let event_bytes = event.as_bytes();
        if channels & KEYSPACE != 0 {
            publish(&channel("keyspace", &[key]), event_bytes);
        }
        if channels & KEYEVENT != 0 {
            publish(&channel("keyevent", &[event_bytes]), key);
        }
        if subkeys.is_empty() || channels & !(KEYSPACE | KEYEVENT) == 0 {
            return;
        }
        let listed = with_lengths(subkeys);
        // What separates the parts of a payload must not stand in an event's name, and no event of
        // ours has it; a key may have a line break.
        if channels & SUBKEYSPACE != 0 {
            let payload = [event_bytes, b"|", &listed].concat();
            publish(&channel("subkeyspace", &[key]), &payload);
        }
        if channels & SUBKEYEVENT != 0 {
            let length = format!("{}:", key.len());
            let payload = [length.as_bytes(), key, b"|", &listed].concat();
            publish(&channel("subkeyevent", &[event_bytes]), &payload);
        }
        if channels & SUBKEYSPACE_ITEM != 0 && !key.contains(&b'\n') {
            for subkey in subkeys {
                publish(&channel("subkeyspaceitem", &[key, b"\n", subkey]), event_bytes);
            }
        }
        if channels & SUBKEYSPACE_EVENT != 0 {
            publish(&channel("subkeyspaceevent", &[event_bytes, b"|", key]), &listed);
        }
    }
}

/// `3:abc,1:d`: each with its length, so that any bytes may stand in them.
fn with_lengths(subkeys: &[Box<[u8]>]) -> Vec<u8> {
    let mut listed = Vec::new();
    for subkey in subkeys {
        if !listed.is_empty() {
            listed.push(b',');
        }
        listed.extend_from_slice(format!("{}:", subkey.len()).as_bytes());
        listed.extend_from_slice(subkey);
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(letters: &[u8], key: &[u8], subkeys: &[&[u8]]) -> Vec<(String, String)> {
        let channels = EventChannels::default();
        channels.set(letters);
        let subkeys: Vec<Box<[u8]>> = subkeys.iter().map(|&subkey| subkey.into()).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut found = Vec::new();
        channels.messages("hset", 2, key, &subkeys, |channel, payload| {
            found.push((text(channel), text(payload)));
        });
        found
    }

    #[test]
    fn classes_are_told_only_where_they_go_somewhere() {
        let channels = EventChannels::default();
        assert!(channels.set(b"A").is_empty());
        assert!(channels.set(b"KE").is_empty());
        assert_eq!(channels.set(b"lE"), EventClass::LIST);
        let all = channels.set(b"AK");
        assert!(all.contains(EventClass::STREAM.union(EventClass::EXPIRED)));
        assert!(!all.contains(EventClass::KEY_MISS) && !all.contains(EventClass::NEW));
        assert!(channels.set(b"AKmn").contains(EventClass::KEY_MISS.union(EventClass::NEW)));
    }

    #[test]
    fn each_letter_has_its_channel() {
        let found = messages(b"KESTIVh", b"k", &[b"f", b"gg"]);
        let found: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            found,
            [
                ("__keyspace@2__:k", "hset"),
                ("__keyevent@2__:hset", "k"),
                ("__subkeyspace@2__:k", "hset|1:f,2:gg"),
                ("__subkeyevent@2__:hset", "1:k|1:f,2:gg"),
                ("__subkeyspaceitem@2__:k\nf", "hset"),
                ("__subkeyspaceitem@2__:k\ngg", "hset"),
                ("__subkeyspaceevent@2__:hset|k", "1:f,2:gg"),
            ]
        );
        assert_eq!(messages(b"STIVh", b"k", &[]), []);
        assert_eq!(messages(b"Ih", b"a\nb", &[b"f"]), []);
        assert_eq!(messages(b"Kh", b"k", &[b"f"]).len(), 1);
    }
}
