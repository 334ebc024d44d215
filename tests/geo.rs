//! Places through the `redis` crate: how they are kept, found and stored.

mod support;

use support::TestServer;
use support::story::{ask, tell};

const PLACES_ARE_ADDED_AND_TOLD: &str = r#"
GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania => 2
GEOADD g 13.361389 38.115556 Palermo => 0
GEOADD g CH 13.4 38.2 Palermo 2.35 48.85 Paris => 2
GEOADD g NX 0 0 Palermo 12.5 41.9 Rome => 1
GEOADD g XX CH 13.361389 38.115556 Palermo 1 1 Nowhere => 1
GEOADD g NX XX 1 1 a => !ERR syntax error
GEOADD g 181 0 a => !ERR invalid longitude,latitude pair 181.000000,0.000000
GEOADD g 0 86 a => !ERR invalid longitude,latitude pair 0.000000,86.000000
GEOADD g x 0 a => !ERR value is not a valid float
GEOADD g 1 1 => !ERR wrong number of arguments for 'geoadd' command
TYPE g => zset
ZCARD g => 4
ZSCORE g Palermo => 3479099956230698
GEOPOS g Palermo nobody Catania => [[13.361389338970184 38.1155563954963] nil [15.087267458438873 37.50266842333162]]
GEOPOS none a => [nil]
GEOHASH g Palermo nobody => [sqc8b49rny0 nil]
GEODIST g Palermo Catania => 166274.1516
GEODIST g Palermo Catania km => 166.2742
GEODIST g Palermo Catania mi => 103.3182
GEODIST g Palermo Catania FT => 545518.8700
GEODIST g Palermo Catania yd => !ERR unsupported unit provided. please use M, KM, FT, MI
GEODIST g Palermo nobody => nil
GEODIST none a b => nil
"#;

const SEARCHES_BY_CIRCLE_AND_BOX: &str = r#"
GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2 => 4
GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC => [Catania Palermo]
GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km DESC => [Palermo Catania]
GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC => [Catania Palermo edge2 edge1]
GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST => [[Catania 56.4413] [Palermo 190.4424] [edge2 279.7403] [edge1 279.7405]]
GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH COUNT 1 => [[Catania 56.4413 3479447370796909 [15.087267458438873 37.50266842333162]]]
GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 => [Catania Palermo]
GEOSEARCH g FROMMEMBER Catania BYRADIUS 0 m => [Catania]
GEOSEARCH g FROMMEMBER nobody BYRADIUS 1 m => !ERR could not decode requested zset member
GEOSEARCH g FROMMEMBER Catania BYRADIUS -1 m => !ERR radius cannot be negative
GEOSEARCH g FROMMEMBER Catania BYBOX -1 1 m => !ERR height or width cannot be negative
GEOSEARCH g BYRADIUS 1 m => !ERR wrong number of arguments for 'geosearch' command
GEOSEARCH g FROMMEMBER Catania => !ERR wrong number of arguments for 'geosearch' command
GEOSEARCH g FROMMEMBER Catania FROMLONLAT 1 1 BYRADIUS 1 m => !ERR syntax error
GEOSEARCH g FROMMEMBER Catania BYRADIUS 1 m BYBOX 1 1 m => !ERR syntax error
GEOSEARCH g FROMMEMBER Catania BYRADIUS 1 km ANY => !ERR the ANY argument requires COUNT argument
GEOSEARCH g FROMMEMBER Catania BYRADIUS 1 km COUNT 0 => !ERR COUNT must be > 0
GEOSEARCH g FROMMEMBER Catania BYRADIUS 1 nounit => !ERR unsupported unit provided. please use M, KM, FT, MI
GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 200 km => []
GEOSEARCH none FROMMEMBER a BYRADIUS 200 km => []
"#;

const OLDER_FORMS_AND_STORES: &str = r#"
GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania => 2
GEORADIUS g 15 37 200 km ASC WITHDIST WITHCOORD => [[Catania 56.4413 [15.087267458438873 37.50266842333162]] [Palermo 190.4424 [13.361389338970184 38.1155563954963]]]
GEORADIUS g 15 37 200 km COUNT 1 => [Catania]
GEORADIUS_RO g 15 37 200 km ASC => [Catania Palermo]
GEORADIUS_RO g 15 37 200 km STORE to => !ERR syntax error
GEORADIUSBYMEMBER g Palermo 200 km ASC WITHHASH => [[Palermo 3479099956230698] [Catania 3479447370796909]]
GEORADIUSBYMEMBER_RO g Palermo 100 km => [Palermo]
GEORADIUSBYMEMBER g nobody 100 km => !ERR could not decode requested zset member
GEORADIUS g 15 37 200 km STORE to => 2
ZRANGE to 0 -1 WITHSCORES => [Palermo 3479099956230698 Catania 3479447370796909]
GEORADIUS g 15 37 200 km STOREDIST to => 2
ZRANGE to 0 -1 => [Catania Palermo]
GEORADIUS g 15 37 200 km WITHDIST STORE to => !ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
GEORADIUSBYMEMBER g Palermo 1 km STORE to => 1
ZRANGE to 0 -1 => [Palermo]
GEOSEARCHSTORE to g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ASC => 1
ZRANGE to 0 -1 => [Catania]
GEOSEARCHSTORE to g FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST => 2
ZCARD to => 2
GEOSEARCHSTORE to g FROMLONLAT 0 0 BYRADIUS 1 m => 0
EXISTS to => 0
GEOSEARCHSTORE to g FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST => !ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
SET s v => OK
GEOADD s 1 1 a => !WRONGTYPE Operation against a key holding the wrong kind of value
GEOSEARCH s FROMLONLAT 0 0 BYRADIUS 1 m => !WRONGTYPE Operation against a key holding the wrong kind of value
"#;

const PLACES_AT_THE_EDGE_OF_THE_MAP: &str = r#"
GEOADD g 180 85.05112878 corner -180 -85.05112878 other -143.360658 50.579261 far 179.9 0 east -179.9 0 west => 5
GEOSEARCH g FROMMEMBER corner BYRADIUS 5000 km ASC => [corner]
GEOSEARCH g FROMMEMBER corner BYRADIUS 20000 km ASC => [corner east]
GEOSEARCH g FROMMEMBER east BYRADIUS 100 km ASC => [east west]
GEOSEARCH g FROMMEMBER west BYRADIUS 100 km ASC => [west east]
GEOPOS g corner other => [[180 85.05112878] [-179.99999731779099 -85.05112751263943]]
"#;

#[test]
fn places_are_kept_as_scores() {
    tell(PLACES_ARE_ADDED_AND_TOLD);
}

#[test]
fn searches() {
    tell(SEARCHES_BY_CIRCLE_AND_BOX);
}

#[test]
fn the_older_forms_and_what_is_stored() {
    tell(OLDER_FORMS_AND_STORES);
}

/// There Redis's arithmetic leaves out what a globe would have.
#[test]
fn the_edge_of_the_map() {
    tell(PLACES_AT_THE_EDGE_OF_THE_MAP);
}

/// Many places, packed and not: a circle finds what lies in it by its distance.
#[test]
fn a_circle_finds_what_is_in_reach() {
    let server = TestServer::start();
    let mut client = server.connect();
    for (key, count) in [("few", 60), ("many", 2000)] {
        let mut add = redis::cmd("GEOADD");
        add.arg(key);
        for at in 0..count {
            // A spiral around a middle.
            let turn = f64::from(at) * 0.7;
            let reach = f64::from(at) * 0.002;
            let (east, north) = (15.0 + reach * turn.cos(), 40.0 + reach * turn.sin());
            add.arg(east).arg(north).arg(format!("p{at}"));
        }
        assert_eq!(add.query(&mut client), Ok(count));
        let distances: Vec<f64> = (0..count)
            .map(|at| {
                let told = ask(&mut client, &format!("GEODIST {key} p0 p{at}"));
                told.parse().expect("a distance")
            })
            .collect();
        for radius in [1, 500, 20_000, 90_000, 10_000_000] {
            let line = format!("GEOSEARCH {key} FROMMEMBER p0 BYRADIUS {radius} m ASC");
            let mut search = redis::cmd("GEOSEARCH");
            search.arg(line.split(' ').skip(1).collect::<Vec<_>>());
            let found: Vec<String> = search.query(&mut client).expect("it is a search");
            let mut near: Vec<(f64, String)> = distances
                .iter()
                .enumerate()
                .filter(|(_, distance)| **distance <= f64::from(radius))
                .map(|(at, distance)| (*distance, format!("p{at}")))
                .collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0));
            let near: Vec<String> = near.into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, near, "{line}");
        }
    }
}
