//! The facts of the commands for geospatial indexes.

use super::words::{
    block, categories, double, flags, integer, key, key_flags, one_of, string, token,
};
use super::{Deprecated, Group, KeySpec, Spec};

/// The commands of this group.
pub static ALL: &[&Spec] = &[
    &GEOADD,
    &GEODIST,
    &GEOHASH,
    &GEOPOS,
    &GEORADIUS,
    &GEORADIUSBYMEMBER,
    &GEORADIUSBYMEMBER_RO,
    &GEORADIUS_RO,
    &GEOSEARCH,
    &GEOSEARCHSTORE,
];

pub static GEOADD: Spec = Spec {
    summary: "Adds places to a geospatial index, or moves them.",
    complexity: "O(log N) for each place, N being how many there are",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        one_of("condition", &[token("nx", "NX"), token("xx", "XX")]).since("6.2.0").optional(),
        token("change", "CH").since("6.2.0").optional(),
        block("data", &[double("longitude"), double("latitude"), string("member")]).multiple(),
    ],
    ..Spec::new("geoadd", Group::Geo, -5, "3.2.0")
};

pub static GEODIST: Spec = Spec {
    summary: "Tells how far two places are from each other.",
    complexity: "O(log N) in the number of places",
    flags: flags![READONLY],
    categories: categories![READ, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        string("member1"),
        string("member2"),
        one_of("unit", &[token("m", "M"), token("km", "KM"), token("ft", "FT"), token("mi", "MI")])
            .optional(),
    ],
    ..Spec::new("geodist", Group::Geo, -4, "3.2.0")
};

pub static GEOHASH: Spec = Spec {
    summary: "Shows places as geohash strings.",
    complexity: "O(M*log N): M places asked for, of N",
    flags: flags![READONLY],
    categories: categories![READ, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("member").optional().multiple()],
    ..Spec::new("geohash", Group::Geo, -2, "3.2.0")
};

pub static GEOPOS: Spec = Spec {
    summary: "Reads the longitudes and latitudes of places.",
    complexity: "O(M*log N): M places asked for, of N",
    flags: flags![READONLY],
    categories: categories![READ, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("member").optional().multiple()],
    ..Spec::new("geopos", Group::Geo, -2, "3.2.0")
};

pub static GEORADIUS: Spec = Spec {
    summary: "Finds, or stores, the places within a distance of a point.",
    complexity: "O(log N+M): M places in the cells that are searched, of N",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, GEO, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![RO, ACCESS]),
        KeySpec::after("STORE", 6, key_flags![OW, UPDATE]),
        KeySpec::after("STOREDIST", 6, key_flags![OW, UPDATE]),
    ],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    }),
    arguments: &[
        key("key", 0),
        double("longitude"),
        double("latitude"),
        double("radius"),
        one_of("unit", &[token("m", "M"), token("km", "KM"), token("ft", "FT"), token("mi", "MI")]),
        token("withcoord", "WITHCOORD").optional(),
        token("withdist", "WITHDIST").optional(),
        token("withhash", "WITHHASH").optional(),
        block(
            "count-block",
            &[integer("count").after("COUNT"), token("any", "ANY").since("6.2.0").optional()],
        )
        .optional(),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
        one_of(
            "store",
            &[
                key("storekey", 1).after("STORE").shown("key"),
                key("storedistkey", 2).after("STOREDIST").shown("key"),
            ],
        )
        .optional(),
    ],
    ..Spec::new("georadius", Group::Geo, -6, "3.2.0")
};

pub static GEORADIUSBYMEMBER: Spec = Spec {
    summary: "Finds, or stores, the places within a distance of another.",
    complexity: "O(log N+M): M places in the cells that are searched, of N",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, GEO, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![RO, ACCESS]),
        KeySpec::after("STORE", 5, key_flags![OW, UPDATE]),
        KeySpec::after("STOREDIST", 5, key_flags![OW, UPDATE]),
    ],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    }),
    arguments: &[
        key("key", 0),
        string("member"),
        double("radius"),
        one_of("unit", &[token("m", "M"), token("km", "KM"), token("ft", "FT"), token("mi", "MI")]),
        token("withcoord", "WITHCOORD").optional(),
        token("withdist", "WITHDIST").optional(),
        token("withhash", "WITHHASH").optional(),
        block("count-block", &[integer("count").after("COUNT"), token("any", "ANY").optional()])
            .optional(),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
        one_of(
            "store",
            &[
                key("storekey", 1).after("STORE").shown("key"),
                key("storedistkey", 2).after("STOREDIST").shown("key"),
            ],
        )
        .optional(),
    ],
    ..Spec::new("georadiusbymember", Group::Geo, -5, "3.2.0")
};

pub static GEORADIUSBYMEMBER_RO: Spec = Spec {
    summary: "Finds the places within a distance of another.",
    complexity: "O(log N+M): M places in the cells that are searched, of N",
    flags: flags![READONLY],
    categories: categories![READ, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    }),
    arguments: &[
        key("key", 0),
        string("member"),
        double("radius"),
        one_of("unit", &[token("m", "M"), token("km", "KM"), token("ft", "FT"), token("mi", "MI")]),
        token("withcoord", "WITHCOORD").optional(),
        token("withdist", "WITHDIST").optional(),
        token("withhash", "WITHHASH").optional(),
        block("count-block", &[integer("count").after("COUNT"), token("any", "ANY").optional()])
            .optional(),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
    ],
    ..Spec::new("georadiusbymember_ro", Group::Geo, -5, "3.2.10")
};

pub static GEORADIUS_RO: Spec = Spec {
    summary: "Finds the places within a distance of a point.",
    complexity: "O(log N+M): M places in the cells that are searched, of N",
    flags: flags![READONLY],
    categories: categories![READ, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`GEOSEARCH` with the `BYRADIUS` argument",
    }),
    arguments: &[
        key("key", 0),
        double("longitude"),
        double("latitude"),
        double("radius"),
        one_of("unit", &[token("m", "M"), token("km", "KM"), token("ft", "FT"), token("mi", "MI")]),
        token("withcoord", "WITHCOORD").optional(),
        token("withdist", "WITHDIST").optional(),
        token("withhash", "WITHHASH").optional(),
        block(
            "count-block",
            &[integer("count").after("COUNT"), token("any", "ANY").since("6.2.0").optional()],
        )
        .optional(),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
    ],
    ..Spec::new("georadius_ro", Group::Geo, -6, "3.2.10")
};

pub static GEOSEARCH: Spec = Spec {
    summary: "Finds the places in a circle or a box.",
    complexity: "O(log N+M): M places in the cells that are searched, of N",
    flags: flags![READONLY],
    categories: categories![READ, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        one_of(
            "from",
            &[
                string("member").after("FROMMEMBER"),
                block("fromlonlat", &[double("longitude"), double("latitude")]).after("FROMLONLAT"),
            ],
        ),
        one_of(
            "by",
            &[
                block(
                    "circle",
                    &[
                        double("radius").after("BYRADIUS"),
                        one_of(
                            "unit",
                            &[
                                token("m", "M"),
                                token("km", "KM"),
                                token("ft", "FT"),
                                token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
                block(
                    "box",
                    &[
                        double("width").after("BYBOX"),
                        double("height"),
                        one_of(
                            "unit",
                            &[
                                token("m", "M"),
                                token("km", "KM"),
                                token("ft", "FT"),
                                token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
            ],
        ),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
        block("count-block", &[integer("count").after("COUNT"), token("any", "ANY").optional()])
            .optional(),
        token("withcoord", "WITHCOORD").optional(),
        token("withdist", "WITHDIST").optional(),
        token("withhash", "WITHHASH").optional(),
    ],
    ..Spec::new("geosearch", Group::Geo, -7, "6.2.0")
};

pub static GEOSEARCHSTORE: Spec = Spec {
    summary: "Stores the places in a circle or a box.",
    complexity: "O(log N+M): M places in the cells that are searched, of N",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, GEO, SLOW],
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE]), KeySpec::at(2, key_flags![RO, ACCESS])],
    arguments: &[
        key("destination", 0),
        key("source", 1),
        one_of(
            "from",
            &[
                string("member").after("FROMMEMBER"),
                block("fromlonlat", &[double("longitude"), double("latitude")]).after("FROMLONLAT"),
            ],
        ),
        one_of(
            "by",
            &[
                block(
                    "circle",
                    &[
                        double("radius").after("BYRADIUS"),
                        one_of(
                            "unit",
                            &[
                                token("m", "M"),
                                token("km", "KM"),
                                token("ft", "FT"),
                                token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
                block(
                    "box",
                    &[
                        double("width").after("BYBOX"),
                        double("height"),
                        one_of(
                            "unit",
                            &[
                                token("m", "M"),
                                token("km", "KM"),
                                token("ft", "FT"),
                                token("mi", "MI"),
                            ],
                        ),
                    ],
                ),
            ],
        ),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
        block("count-block", &[integer("count").after("COUNT"), token("any", "ANY").optional()])
            .optional(),
        token("storedist", "STOREDIST").optional(),
    ],
    ..Spec::new("geosearchstore", Group::Geo, -8, "6.2.0")
};
