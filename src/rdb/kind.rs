//! The numbers that stand before records in RDB files.

/// Types of values, each in one encoding. They keep the field's names.
pub mod value {
    pub const STRING: u8 = 0;
    pub const LIST: u8 = 1;
    pub const SET: u8 = 2;
    pub const ZSET: u8 = 3;
    pub const HASH: u8 = 4;
    pub const ZSET_2: u8 = 5;
    pub const MODULE: u8 = 6;
    pub const MODULE_2: u8 = 7;
    pub const HASH_ZIPMAP: u8 = 9;
    pub const LIST_ZIPLIST: u8 = 10;
    pub const SET_INTSET: u8 = 11;
    pub const ZSET_ZIPLIST: u8 = 12;
    pub const HASH_ZIPLIST: u8 = 13;
    pub const LIST_QUICKLIST: u8 = 14;
    pub const STREAM_LISTPACKS: u8 = 15;
    pub const HASH_LISTPACK: u8 = 16;
    pub const ZSET_LISTPACK: u8 = 17;
    pub const LIST_QUICKLIST_2: u8 = 18;
    /// Redis 7.0: what was deleted, and how much groups have read.
    pub const STREAM_LISTPACKS_2: u8 = 19;
    pub const SET_LISTPACK: u8 = 20;
    /// Redis 7.2: when consumers were active.
    pub const STREAM_LISTPACKS_3: u8 = 21;
    /// Redis 7.4 before its release; in Valkey 9 a hash whose fields have deadlines.
    pub const HASH_METADATA_PRE_GA: u8 = 22;
    pub const HASH_LISTPACK_EX_PRE_GA: u8 = 23;
    pub const HASH_METADATA: u8 = 24;
    pub const HASH_LISTPACK_EX: u8 = 25;
    /// Redis 8.6: idempotency ids.
    pub const STREAM_LISTPACKS_4: u8 = 26;
    /// Redis 8.8: pending entries without an owner.
    pub const STREAM_LISTPACKS_5: u8 = 27;
}

/// Records that are no keys.
pub mod opcode {
    pub const SLOT_INFO: u8 = 244;
    pub const FUNCTION_2: u8 = 245;
    pub const FUNCTION_PRE_GA: u8 = 246;
    pub const MODULE_AUX: u8 = 247;
    pub const IDLE: u8 = 248;
    pub const FREQ: u8 = 249;
    pub const AUX: u8 = 250;
    pub const RESIZE_DB: u8 = 251;
    pub const EXPIRE_TIME_MS: u8 = 252;
    pub const EXPIRE_TIME: u8 = 253;
    pub const SELECT_DB: u8 = 254;
    pub const EOF: u8 = 255;
}

/// Forms of a quicklist's nodes.
pub mod node {
    /// One element by itself.
    pub const PLAIN: u64 = 1;
    /// A listpack.
    pub const PACKED: u64 = 2;
}

/// Flags of an entry in a stream's listpack.
pub mod entry {
    pub const DELETED: i64 = 1;
    /// The names are those of the listpack's first record.
    pub const SAME_FIELDS: i64 = 2;
}
