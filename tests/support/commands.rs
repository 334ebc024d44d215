//! Random commands: few keys, small values, edge arguments, everything that the server knows.

use super::scripts;
use super::values::PAYLOADS;

/// Draws commands; the same seed draws the same ones.
pub struct Generator {
    state: u64,
}

impl Generator {
    /// Every key that commands name.
    pub const KEYS: &'static [&'static [u8]] = &[
        b"a", b"b", b"c", b"list", b"s", b"s2", b"set", b"set2", b"bits", b"pf", b"pf2", b"z",
        b"z2", b"geo", b"h", b"h2", b"",
    ];

    pub fn new(seed: u64) -> Generator {
        Generator { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995 }
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*: any generator will do, as long as it is repeatable.
        self.state = self.state.max(1);
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A whole command, its name first: a script now and then.
    pub fn command(&mut self) -> Vec<Vec<u8>> {
        if self.one_in(12) { scripts::draw(self) } else { self.plain_command() }
    }

    /// A command that runs no others.
    pub fn plain_command(&mut self) -> Vec<Vec<u8>> {
        let family = match self.below(34) {
            31..34 => HASH,
            0..9 => STREAM,
            9..13 => LIST,
            13..18 => ZSET,
            18 => GEO,
            19..21 => STRING,
            21..24 => KEYS,
            24..27 => SET,
            27 => BITMAP,
            28 => HYPERLOGLOG,
            _ => TRANSACTION,
        };
        let pick = self.below(family.len() as u64) as usize;
        let mut args = Vec::new();
        for word in family[pick].split(' ') {
            self.fill(word, &mut args);
        }
        args
    }

    /// A command on a stream that has groups with policies, most often.
    pub fn queue_command(&mut self) -> Vec<Vec<u8>> {
        let pick = self.below(QUEUE.len() as u64) as usize;
        let mut args = Vec::new();
        for word in QUEUE[pick].split(' ') {
            self.fill(word, &mut args);
        }
        args
    }

    /// Commands that come together, each drawn like this, up to six that name the same key first.
    pub fn together(&mut self, draw: impl Fn(&mut Generator) -> Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
        let mut commands = vec![draw(self)];
        for _ in 0..60 {
            let next = draw(self);
            if commands.len() < 6 && next.get(1) == commands[0].get(1) {
                commands.push(next);
            }
        }
        commands
    }

    /// The names of all commands that are drawn.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let families =
            [STREAM, LIST, STRING, KEYS, TRANSACTION, SET, BITMAP, HYPERLOGLOG, ZSET, GEO, HASH];
        let plain = families.into_iter().flatten().filter_map(|it| it.split(' ').next());
        plain.chain(scripts::NAMES.iter().copied())
    }

    fn pick(&mut self, words: &[&str]) -> Vec<u8> {
        words[self.below(words.len() as u64) as usize].as_bytes().to_vec()
    }

    /// Turns a word of a template into arguments. `{x}` stands for something drawn; `[A b]`, with
    /// `_` for spaces, for words that come half of the time; `<A|B>` for one of several.
    fn fill(&mut self, word: &str, args: &mut Vec<Vec<u8>>) {
        if let Some(inside) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
            if self.one_in(2) {
                for word in inside.split('_') {
                    self.fill(word, args);
                }
            }
            return;
        }
        if let Some(inside) = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) {
            let choices: Vec<&str> = inside.split('|').collect();
            let choice = choices[self.below(choices.len() as u64) as usize];
            for word in choice.split('_') {
                self.fill(word, args);
            }
            return;
        }
        let drawn = match word {
            "{k}" => Self::KEYS[self.below(Self::KEYS.len() as u64) as usize].to_vec(),
            "{l}" => self.pick(&["list", "list", "a", "b"]),
            "{s}" => self.pick(&["s", "s", "s", "s2", "s2", "a"]),
            "{e}" => self.pick(&["set", "set", "set", "set2", "set2", "a"]),
            "{m}" => match self.below(8) {
                0 => format!("member {}", self.below(300)).into_bytes(),
                1 => b"not an integer".to_vec(),
                _ => format!("{}", self.below(12)).into_bytes(),
            },
            "{z}" => self.pick(&["z", "z", "z", "z2", "z2", "a"]),
            "{zm}" => self.pick(&["a", "b", "c", "d", "e", "", "17"]),
            "{geo}" => self.pick(&["geo", "geo", "geo", "z"]),
            "{score}" => {
                self.pick(&["0", "1", "1", "2", "-1.5", "0.1", "3e5", "inf", "-inf", "-0"])
            }
            "{bound}" => self.pick(&["-inf", "+inf", "0", "1", "(1", "2", "(0.1", "x"]),
            "{lex}" => self.pick(&["-", "+", "[b", "(b", "[d", "(c"]),
            "{g}" => self.pick(&["g", "g", "g", "h", "nogroup"]),
            "{c}" => self.pick(&["alice", "bob", "carol"]),
            "{h}" => self.pick(&["h", "h", "h", "h2", "h2", "a"]),
            "{hf}" => self.pick(&["f", "f", "g", "name", "", "10"]),
            "{long}" => vec![b'x'; 60 + self.below(10) as usize],
            "{v}" => self.pick(&["x", "y", "z", "", "10", "-1", "3.5", "value"]),
            "{f}" => self.pick(&["f", "g", "name"]),
            "{n}" => self.pick(&["0", "1", "1", "2", "3", "5", "-1", "-2", "100"]),
            "{count}" => self.pick(&["1", "1", "2", "3", "10"]),
            "{ms}" => self.pick(&["1", "10", "30", "100", "1000", "100000"]),
            "{at}" => format!("{}", super::START_MS as u64 + self.below(2000)).into_bytes(),
            "{db}" => self.pick(&["0", "0", "0", "1", "2"]),
            "{id}" => {
                let ms = self.below(12);
                let seq = self.below(4);
                match self.below(6) {
                    0 => format!("{ms}").into_bytes(),
                    1 => format!("{}-*", ms + 20).into_bytes(),
                    _ => format!("{ms}-{seq}").into_bytes(),
                }
            }
            "{q}" => format!("5-{}", self.below(24)).into_bytes(),
            "{eid}" => {
                let (ms, seq) = (self.below(12), self.below(4));
                format!("{ms}-{seq}").into_bytes()
            }
            "{newid}" => match self.below(3) {
                0 => b"*".to_vec(),
                1 => format!("{}-*", self.below(30)).into_bytes(),
                _ => format!("{}-{}", self.below(12), self.below(4)).into_bytes(),
            },
            "{from}" => self.pick(&["-", "0", "3", "(3-1", "5-2"]),
            "{to}" => self.pick(&["+", "7", "(8-0", "4-1"]),
            "{side}" => self.pick(&["LEFT", "RIGHT"]),
            "{dump}" => match self.below(10) {
                0 => b"no payload".to_vec(),
                _ => PAYLOADS[self.below(PAYLOADS.len() as u64) as usize].clone(),
            },
            "{empty}" => Vec::new(),
            _ => word.as_bytes().to_vec(),
        };
        args.push(drawn);
    }
}

const STREAM: &[&str] = &[
    "XADD {s} {newid} {f} {v}",
    "XADD {s} {newid} {f} {v}",
    "XADD {s} {newid} {f} {v} {f} {v}",
    "XADD {s} * {f} {v}",
    "XADD {s} * {f} {v}",
    "XADD {s} * {f} {v} name {v}",
    "XADD {s} NOMKSTREAM * {f} {v}",
    "XADD {s} [<KEEPREF|DELREF|ACKED>] <MAXLEN|MAXLEN_=|MAXLEN_~> {count} {newid} {f} {v}",
    "XADD {s} [<KEEPREF|DELREF|ACKED>] <MINID|MINID_=|MINID_~> {eid} {newid} {f} {v}",
    "XADD {s} MAXLEN ~ {count} LIMIT {n} * {f} {v}",
    "XADD {s} IDMP <p|q> <i|j|k> * {f} {v}",
    "XADD {s} IDMPAUTO <p|q> * {f} {v}",
    "XADD {s} DELAY {ms} [TTL_{ms}] * {f} {v}",
    "XADD {s} TTL {ms} * {f} {v} {f} {v}",
    "XREDRIVE <s2|dead|s> COUNT {count} [TO_<s|s2>]",
    "XCFGSET {s} IDMP-DURATION <1|2> [IDMP-MAXSIZE_<1|2|100>]",
    "XCFGSET {s} <MAXLEN_0|MAXLEN_8|MAXAGE_60|MAXAGE_0|OVERFLOW_REJECT|OVERFLOW_DROP|RETAIN_ACKED|RETAIN_ALL>",
    "XCFGSET {s} <DELAYFIELD_f|TTLFIELD_g|DEDUPFIELD_name_40|DELAYFIELD_x|TTLFIELD_x|DEDUPFIELD_x_0>",
    "XCFGSET {s} GROUP {g} <LEASE_20|LEASE_0|MAXDELIVERIES_2|DLQ_s2|DLQ_dead|BACKOFF_5_20|BACKOFF_0_0>",
    "XCFGSET {s} GROUP {g} <ORDERBY_f|ORDERBY_g|MAXINFLIGHT_2|MAXINFLIGHT_0|RATE_2_50|RATE_0_0>",
    "XCFGSET {s} GROUP {g} <FILTER_f_x|FILTER_g_*|FILTER_x_0|CONSUMERTTL_50|CONSUMERTTL_0>",
    "XIDMPRECORD {s} p <i|j> {eid}",
    "XTRIM {s} <MAXLEN|MAXLEN_=|MAXLEN_~> {count} [<KEEPREF|DELREF|ACKED>]",
    "XTRIM {s} <MINID|MINID_=|MINID_~> {eid} [<KEEPREF|DELREF|ACKED>]",
    "XDEL {s} {eid} {eid}",
    "XDELEX {s} [<KEEPREF|DELREF|ACKED>] IDS 2 {eid} {eid}",
    "XACK {s} {g} {eid} {eid} {eid}",
    "XACKDEL {s} {g} [<KEEPREF|DELREF|ACKED>] IDS 2 {eid} {eid}",
    "XNACK {s} {g} <SILENT|FAIL|FATAL> IDS 2 {eid} {eid} [RETRYCOUNT_{count}] [DELAY_{ms}] [CONSUMER_{c}] [FORCE]",
    "XLEN {s}",
    "XRANGE {s} {from} {to} [COUNT_{count}]",
    "XREVRANGE {s} {to} {from} [COUNT_{count}]",
    "XREAD [COUNT_{count}] STREAMS {s} {s} {eid} 0",
    "XREAD BLOCK {ms} STREAMS {s} $",
    "XGROUP CREATE {s} {g} <0|$|{eid}> [MKSTREAM] [ENTRIESREAD_{count}]",
    "XGROUP CREATE {s} {g} 0 MKSTREAM",
    "XGROUP CREATE {s} {g} 0 MKSTREAM",
    "XGROUP SETID {s} {g} <0|$|{eid}> [ENTRIESREAD_{count}]",
    "XGROUP DESTROY {s} {g}",
    "XGROUP CREATECONSUMER {s} {g} {c}",
    "XGROUP DELCONSUMER {s} {g} {c}",
    "XREADGROUP GROUP {g} {c} [COUNT_{count}] STREAMS {s} >",
    "XREADGROUP GROUP {g} {c} [COUNT_{count}] STREAMS {s} >",
    "XREADGROUP GROUP {g} {c} COUNT {count} STREAMS {s} {s} > >",
    "XREADGROUP GROUP {g} {c} [COUNT_{count}] NOACK STREAMS {s} >",
    "XREADGROUP GROUP {g} {c} [COUNT_{count}] STREAMS {s} 0",
    "XREADGROUP GROUP {g} {c} [MAXCOUNT_{count}] [MAXSIZE_100] STREAMS {s} {s} > >",
    "XREADGROUP GROUP {g} {c} BLOCK {ms} STREAMS {s} {s} > >",
    "XREADGROUP GROUP {g} {c} [COUNT_{count}] CLAIM <0|10|30> STREAMS {s} >",
    "XPENDING {s} {g}",
    "XPENDING {s} {g} [IDLE_10] - + 10 [{c}]",
    "XCLAIM {s} {g} {c} <0|10|30> {eid} {eid} [<IDLE_5|TIME_{at}>] [RETRYCOUNT_{n}] [FORCE] [JUSTID] [LASTID_{eid}]",
    "XCLAIM {s} {g} {c} 0 {eid} {eid} {eid}",
    "XAUTOCLAIM {s} {g} {c} <0|10|30> <0|{eid}> [COUNT_{count}] [JUSTID]",
    "XSETID {s} <{eid}|100-0> [ENTRIESADDED_{count}_MAXDELETEDID_{eid}]",
    "XINFO STREAM {s}",
];

/// Of one stream, its entries with few ids and values, so that they meet in every state.
const QUEUE: &[&str] = &[
    "XADD s 5-* k <x|y>",
    "XADD s 5-* k <x|y>",
    "XADD s 5-* k <x|y>",
    "XADD s 5-* f {v}",
    "XADD s2 5-* k x",
    "XGROUP CREATE s <g|h> 0 MKSTREAM",
    "XGROUP CREATE s2 <g|h> 0 MKSTREAM",
    "XCFGSET s GROUP <g|h> <LEASE_20|LEASE_60|LEASE_0|BACKOFF_5_20|BACKOFF_0_0>",
    "XCFGSET s GROUP <g|h> <MAXDELIVERIES_2|MAXDELIVERIES_1|MAXDELIVERIES_0|DLQ_dead|DLQ_s2>",
    "XCFGSET s GROUP <g|h> <ORDERBY_k|ORDERBY_k|ORDERBY_f|MAXINFLIGHT_2|MAXINFLIGHT_0|RATE_2_50|RATE_0_0>",
    "XCFGSET s GROUP g LEASE 0 MAXDELIVERIES 0 ORDERBY f RATE 0 0",
    "XREADGROUP GROUP <g|h> {c} [COUNT_{count}] STREAMS s >",
    "XREADGROUP GROUP <g|h> {c} [COUNT_{count}] STREAMS s >",
    "XREADGROUP GROUP <g|h> {c} [COUNT_{count}] STREAMS s >",
    "XREADGROUP GROUP g {c} [COUNT_{count}] NOACK STREAMS s >",
    "XREADGROUP GROUP g {c} [COUNT_{count}] STREAMS s 0",
    "XREADGROUP GROUP g {c} [MAXCOUNT_{count}] STREAMS s s2 > >",
    "XREADGROUP GROUP <g|h> {c} BLOCK {ms} STREAMS s >",
    "XREADGROUP GROUP g {c} [COUNT_{count}] CLAIM <0|10|30> STREAMS s >",
    "XACK s <g|h> {q} {q} {q} {q}",
    "XACKDEL s g [<KEEPREF|DELREF|ACKED>] IDS 2 {q} {q}",
    "XNACK s <g|h> <SILENT|FAIL|FATAL> IDS 2 {q} {q} [RETRYCOUNT_{count}] [DELAY_<5|30>] [FORCE]",
    "XNACK s <g|h> <SILENT|FAIL> IDS 3 {q} {q} {q} [CONSUMER_{c}]",
    "XCLAIM s g {c} <0|10|30> {q} {q} [<IDLE_5|TIME_{at}>] [RETRYCOUNT_{n}] [FORCE] [JUSTID]",
    "XAUTOCLAIM s g {c} <0|10|30> <0|{q}> [COUNT_{count}] [JUSTID]",
    "XDEL s {q} {q}",
    "XTRIM s MAXLEN {count} [<KEEPREF|DELREF|ACKED>]",
    "XGROUP SETID s <g|h> <0|$|{q}>",
    "XGROUP DELCONSUMER s <g|h> {c}",
    "XGROUP DESTROY s h",
    "XADD s DELAY <5|30> 5-* k <x|y>",
    "XADD s TTL <10|40> 5-* k <x|y>",
    "XADD s DELAY <5|30> TTL <10|40> 5-* k x",
    "XADD s2 * k x",
    "XADD s2 DELAY {ms} * k x f <10|{empty}>",
    "XCFGSET s <RETAIN_ACKED|RETAIN_ALL|MAXLEN_6|MAXLEN_0|OVERFLOW_REJECT|OVERFLOW_DROP>",
    "XCFGSET s <DELAYFIELD_f|TTLFIELD_f|DELAYFIELD_{empty}_TTLFIELD_{empty}>",
    "XCFGSET s2 <MAXAGE_60|MAXAGE_0|DEDUPFIELD_k_40|DEDUPFIELD_k_0|DELAYFIELD_f|TTLFIELD_f>",
    "XCFGSET s GROUP <g|h> <FILTER_k_x|FILTER_k_*|FILTER_{empty}_{empty}|CONSUMERTTL_50|CONSUMERTTL_0>",
    "XGROUP CREATE dead g 0 MKSTREAM",
    "XCFGSET <s2|dead> GROUP g LEASE 20 MAXDELIVERIES 2 <DLQ_dead|DLQ_s|DLQ_{empty}>",
    "XREADGROUP GROUP g {c} STREAMS <s2|dead> >",
    "XREDRIVE dead COUNT {count} [TO_<s|s2>]",
    "XREDRIVE dead COUNT 100",
    "XNACK s <g|h> FAIL IDS 1 {q} DELAY {at}",
    "COPY s s2 REPLACE",
    "MULTI",
    "EXEC",
    "EXEC",
    "DEL dead",
    "XTRIM s MINID 5-30",
];

const LIST: &[&str] = &[
    "LPUSH {l} {v} {v}",
    "RPUSH {l} {v} {v} {v}",
    "RPUSH {l} {v}",
    "LPUSHX {l} {v}",
    "RPUSHX {l} {v}",
    "LPOP {l} [{n}]",
    "RPOP {l} [{n}]",
    "LRANGE {l} {n} {n}",
    "LINDEX {l} {n}",
    "LSET {l} {n} {v}",
    "LINSERT {l} <BEFORE|AFTER> {v} {v}",
    "LREM {l} {n} {v}",
    "LTRIM {l} {n} {n}",
    "LPOS {l} {v} [RANK_<1|-1|2>] [COUNT_{n}]",
    "LMOVE {l} {l} {side} {side}",
    "RPOPLPUSH {l} {l}",
    "LMPOP 2 {l} {l} {side} [COUNT_{count}]",
    "LMOVEM {l} {l} {side} {side} [<COUNT|EXACTLY>_{count}_<OBO|BULK>]",
    "BLPOP {l} {l} <0.01|0.1|0>",
    "BRPOP {l} 0.05",
    "BLMOVE {l} {l} {side} {side} 0.1",
    "BRPOPLPUSH {l} {l} 0.03",
    "BLMPOP 0.1 2 {l} {l} {side} [COUNT_{count}]",
    "BLMOVEM {l} {l} {side} {side} 0.1 [<COUNT|EXACTLY>_{count}_<OBO|BULK>]",
];

const SET: &[&str] = &[
    "SADD {e} {m} {m} {m}",
    "SADD {e} {m}",
    "SADD {e} 100000 -70000 5000000000",
    "SREM {e} {m} {m}",
    "SMOVE {e} {e} {m}",
    "SPOP {e}",
    "SPOP {e} {n}",
    "SRANDMEMBER {e} [{n}]",
    "SCARD {e}",
    "SMEMBERS {e}",
    "SISMEMBER {e} {m}",
    "SMISMEMBER {e} {m} {m}",
    "SSCAN {e} 0",
    "SINTER {e} {e}",
    "SUNION {e} {e}",
    "SDIFF {e} {e}",
    "SINTERSTORE {k} {e} {e}",
    "SUNIONSTORE {e} {e} {e}",
    "SDIFFSTORE {e} {e} {e}",
    "SINTERCARD 2 {e} {e} [LIMIT_{count}]",
    "SUNIONCARD 2 {e} {e} [APPROX] [LIMIT_{count}]",
    "SDIFFCARD 2 {e} {e} [LIMIT_{count}]",
];

const BITMAP: &[&str] = &[
    "SETBIT {k} {n} <0|1>",
    "SETBIT bits <7|20|100> <0|1>",
    "GETBIT bits {n}",
    "BITCOUNT bits [{n}_{n}]",
    "BITPOS bits <0|1> [{n}]",
    "BITOP <AND|OR|XOR|DIFF|DIFF1|ANDOR|ONE> <bits|{k}> bits {k}",
    "BITOP NOT <bits|{k}> {k}",
    "BITFIELD bits SET u5 {n} {n} INCRBY i7 #1 {n} GET u3 2",
    "BITFIELD {k} OVERFLOW <WRAP|SAT|FAIL> INCRBY u2 {n} {n}",
    "BITFIELD_RO bits GET u8 {n}",
];

const HYPERLOGLOG: &[&str] = &[
    "PFADD <pf|pf2> {m} {m} {v}",
    "PFADD <pf|pf2|{k}> [{m}]",
    "PFCOUNT <pf|pf2> [pf2]",
    "PFMERGE <pf|pf2|{k}> pf pf2",
    "PFDEBUG <TODENSE|ENCODING> <pf|pf2>",
];

const ZSET: &[&str] = &[
    "ZADD {z} {score} {zm} {score} {zm}",
    "ZADD {z} {score} {zm} {score} {zm} {score} {zm}",
    "ZADD {z} {score} {zm}",
    "ZADD {z} [<NX|XX>] [<GT|LT>] [CH] {score} {zm} {score} {zm}",
    "ZADD {z} [<NX|XX|GT|LT>] INCR {score} {zm}",
    "ZADD {z} 1 a-member-that-is-longer-than-what-a-small-set-may-have-in-one-of-its-members",
    "ZINCRBY {z} {score} {zm}",
    "ZREM {z} {zm} {zm}",
    "ZREMRANGEBYRANK {z} {n} {n}",
    "ZREMRANGEBYSCORE {z} {bound} {bound}",
    "ZREMRANGEBYLEX {z} {lex} {lex}",
    "ZPOPMIN {z} [{n}]",
    "ZPOPMAX {z} [{n}]",
    "ZMPOP 2 {z} {z} <MIN|MAX> [COUNT_{count}]",
    "BZPOPMIN {z} {z} <0.01|0.1|0>",
    "BZPOPMAX {z} 0.05",
    "BZMPOP 0.1 2 {z} {z} <MIN|MAX> [COUNT_{count}]",
    "ZSCORE {z} {zm}",
    "ZMSCORE {z} {zm} {zm}",
    "ZCARD {z}",
    "ZCOUNT {z} {bound} {bound}",
    "ZLEXCOUNT {z} {lex} {lex}",
    "ZRANK {z} {zm} [WITHSCORE]",
    "ZREVRANK {z} {zm}",
    "ZRANDMEMBER {z} [{n}]",
    "ZSCAN {z} 0 COUNT 2",
    "ZRANGE {z} {n} {n} [REV] [WITHSCORES]",
    "ZRANGE {z} {bound} {bound} BYSCORE [REV] [LIMIT_{n}_{n}]",
    "ZREVRANGE {z} {n} {n}",
    "ZRANGEBYSCORE {z} {bound} {bound}",
    "ZREVRANGEBYSCORE {z} {bound} {bound}",
    "ZRANGEBYLEX {z} {lex} {lex}",
    "ZREVRANGEBYLEX {z} {lex} {lex}",
    "ZRANGESTORE {z} {z} {n} {n} [REV]",
    "ZRANGESTORE {z} {z} {bound} {bound} BYSCORE [LIMIT_{n}_{n}]",
    "ZUNION 2 {z} {z} WITHSCORES",
    "ZINTER 2 {z} {z}",
    "ZDIFF 2 {z} {z}",
    "ZINTERCARD 2 {z} {z} [LIMIT_{count}]",
    "ZUNIONSTORE {z} 2 {z} {z} [WEIGHTS_{score}_{score}] [AGGREGATE_<SUM|MIN|MAX|COUNT>]",
    "ZINTERSTORE {z} 2 {z} {z} [WEIGHTS_{score}_{score}] [AGGREGATE_<SUM|MIN|MAX|COUNT>]",
    "ZDIFFSTORE {z} 2 {z} {z}",
];

const GEO: &[&str] = &[
    "GEOADD {geo} 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
    "GEOADD {geo} [NX] [CH] 12.5 41.9 Rome 2.35 48.85 {zm}",
    "GEODIST {geo} Palermo Catania km",
    "GEOHASH {geo} Palermo Rome",
    "GEOPOS {geo} Palermo Rome",
    "GEORADIUS {geo} 15 37 <200|2000> km [WITHDIST] [COUNT_{count}]",
    "GEORADIUS {geo} 15 37 2000 km [COUNT_{count}] <STORE|STOREDIST> {z}",
    "GEORADIUSBYMEMBER {geo} Rome 700 km [STORE_{z}]",
    "GEORADIUS_RO {geo} 15 37 200 km",
    "GEORADIUSBYMEMBER_RO {geo} Rome 700 km",
    "GEOSEARCH {geo} FROMLONLAT 15 37 BYBOX 400 400 km",
    "GEOSEARCHSTORE {z} {geo} FROMLONLAT 15 37 BYRADIUS 2000 km [STOREDIST]",
];

const HASH: &[&str] = &[
    "HSET {h} {hf} {v}",
    "HSET {h} {hf} {v} {hf} {v} {hf} {v}",
    "HSET {h} {hf} {long}",
    "HMSET {h} {hf} {v} {hf} {v}",
    "HSETNX {h} {hf} {v}",
    "HGET {h} {hf}",
    "HMGET {h} {hf} {hf}",
    "HGETALL {h}",
    "HKEYS {h}",
    "HVALS {h}",
    "HLEN {h}",
    "HSTRLEN {h} {hf}",
    "HEXISTS {h} {hf}",
    "HDEL {h} {hf}",
    "HDEL {h} {hf} {hf}",
    "HINCRBY {h} {hf} {n}",
    "HINCRBYFLOAT {h} {hf} 0.5",
    "HRANDFIELD {h} [{n}] [WITHVALUES]",
    "HSCAN {h} 0 [COUNT_{count}] [NOVALUES]",
    "HEXPIRE {h} <1|2|0> [<NX|XX|GT|LT>] FIELDS 2 {hf} {hf}",
    "HPEXPIRE {h} {ms} [<NX|XX|GT|LT>] FIELDS 2 {hf} {hf}",
    "HPEXPIRE {h} {ms} FIELDS 1 {hf}",
    "HEXPIREAT {h} 1700000001 FIELDS 1 {hf}",
    "HPEXPIREAT {h} {at} [<NX|XX|GT|LT>] FIELDS 1 {hf}",
    "HTTL {h} FIELDS 1 {hf}",
    "HPTTL {h} FIELDS 2 {hf} {hf}",
    "HEXPIRETIME {h} FIELDS 1 {hf}",
    "HPEXPIRETIME {h} FIELDS 1 {hf}",
    "HPERSIST {h} FIELDS 2 {hf} {hf}",
    "HGETEX {h} [<EX_1|PX_{ms}|PXAT_{at}|PERSIST>] FIELDS 2 {hf} {hf}",
    "HSETEX {h} [<FNX|FXX>] [<EX_1|PX_{ms}|PXAT_{at}|KEEPTTL>] FIELDS 2 {hf} {v} {hf} {v}",
    "HGETDEL {h} FIELDS 2 {hf} {hf}",
    "HIMPORT PREPARE set {hf} other",
    "HIMPORT SET {h} set {v} {v}",
];

const STRING: &[&str] = &[
    "SET {k} {v}",
    "SET {k} {v} [<NX|XX>] [GET] [<EX_2|PX_{ms}|PXAT_{at}|KEEPTTL>]",
    "GET {k}",
    "GETDEL {k}",
    "GETEX {k} [<EX_2|PX_{ms}|PXAT_{at}|PERSIST>]",
    "GETSET {k} {v}",
    "SETEX {k} 2 {v}",
    "PSETEX {k} {ms} {v}",
    "SETNX {k} {v}",
    "MGET {k} {k}",
    "MSET {k} {v} {k} {v}",
    "MSETNX {k} {v} {k} {v}",
    "INCR {k}",
    "DECR {k}",
    "INCRBY {k} {n}",
    "DECRBY {k} {n}",
    "INCRBYFLOAT {k} 0.5",
    "APPEND {k} {v}",
    "SETRANGE {k} 2 {v}",
    "STRLEN {k}",
];

const KEYS: &[&str] = &[
    "DEL {k} {k}",
    "UNLINK {k}",
    "EXISTS {k} {k}",
    "TYPE {k}",
    "TOUCH {k}",
    "RENAME {k} {k}",
    "RENAMENX {k} {k}",
    "COPY {k} {k} [DB_{db}] [REPLACE]",
    "MOVE {k} {db}",
    "EXPIRE {k} <1|2|0|-1> [<NX|XX|GT|LT>]",
    "PEXPIRE {k} {ms} [<NX|XX|GT|LT>]",
    "PEXPIREAT {k} {at} [<NX|XX|GT|LT>]",
    "PEXPIRE {k} {ms}",
    "PERSIST {k}",
    "PTTL {k}",
    "DUMP {k}",
    "RESTORE {k} 0 {dump} [REPLACE]",
    "RESTORE {s} 0 {dump} REPLACE [<IDLETIME_5|FREQ_5>]",
    "RESTORE {k} {ms} {dump} [REPLACE]",
    "RESTORE {k} {at} {dump} ABSTTL [REPLACE]",
    "SORT <list|set|{k}> [BY_<nosort|w_*>] [GET_<#|*>] [LIMIT_{n}_{n}] <ASC|DESC> ALPHA",
    "SORT <list|set> BY <nosort|*|#> ALPHA STORE {k}",
    "SORT_RO <list|set|{k}> [LIMIT_{n}_{n}] ALPHA",
    "SCAN 0 COUNT 3",
    "RANDOMKEY",
    "DBSIZE",
    "SELECT {db}",
    "SELECT 0",
    "SELECT 0",
    "SWAPDB {db} {db}",
    "FLUSHDB",
];

const TRANSACTION: &[&str] =
    &["MULTI", "EXEC", "EXEC", "EXEC", "DISCARD", "WATCH {k} {k}", "WATCH {s}", "UNWATCH"];
