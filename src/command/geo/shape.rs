//! What GEOSEARCH and its kin are asked: where, how far, and how it is to be told.

use super::{point, said, unit};
use crate::command::args;
use crate::command::error::Error;
use crate::command::zset::args::score;
use crate::types::geo::{Point, Shape};
use crate::types::zset::Zset;

const NO_SUCH_MEMBER: Error = Error::fixed("ERR could not decode requested zset member");
const RADIUS_NEGATIVE: Error = Error::fixed("ERR radius cannot be negative");
const BOX_NEGATIVE: Error = Error::fixed("ERR height or width cannot be negative");
const COUNT_NOT_POSITIVE: Error = Error::fixed("ERR COUNT must be > 0");
const ANY_WITHOUT_COUNT: Error = Error::fixed("ERR the ANY argument requires COUNT argument");

/// What a command of the family has settled by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Longitude, latitude and radius first; may it store?
    Radius {
        may_store: bool,
    },
    /// A member and a radius first.
    RadiusByMember {
        may_store: bool,
    },
    Search,
    SearchStore,
}

impl Family {
    fn may_store(self) -> bool {
        matches!(
            self,
            Family::Radius { may_store: true } | Family::RadiusByMember { may_store: true }
        )
    }

    fn searches(self) -> bool {
        matches!(self, Family::Search | Family::SearchStore)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Nearest,
    Furthest,
}

/// A search, read and checked.
pub(super) struct Query<'a> {
    /// Both are there if there is a set to search.
    pub middle: Option<Point>,
    pub shape: Option<Shape>,
    /// Meters of the unit in which distances are told.
    pub unit_m: f64,
    pub with_coordinates: bool,
    pub with_distance: bool,
    pub with_hash: bool,
    /// Zero: all.
    pub count: usize,
    /// Any places will do, as long as they are enough.
    pub any: bool,
    pub order: Option<Order>,
    pub store: Option<&'a [u8]>,
    pub stores_distance: bool,
    from_member: bool,
    from_point: bool,
}

/// The place of a member; none where there is no set, which is told later.
fn place_of(set: Option<&Zset>, member: &[u8]) -> Result<Option<Point>, Error> {
    let Some(set) = set else { return Ok(None) };
    let score = set.score(member).ok_or(NO_SUCH_MEMBER)?;
    Ok(Some(Point::from_score(score)))
}

fn length(text: &[u8], error: &'static str) -> Result<f64, Error> {
    score(text).map_err(|_| Error::fixed(error))
}

impl<'a> Query<'a> {
    fn new() -> Query<'a> {
        Query {
            middle: None,
            shape: None,
            unit_m: 1.0,
            with_coordinates: false,
            with_distance: false,
            with_hash: false,
            count: 0,
            any: false,
            order: None,
            store: None,
            stores_distance: false,
            from_member: false,
            from_point: false,
        }
    }

    /// Reads the whole request; `set` is what is at its source.
    pub fn parse(
        args: &[&'a [u8]],
        family: Family,
        set: Option<&Zset>,
    ) -> Result<Query<'a>, Error> {
        let mut query = Query::new();
        let options_at = match family {
            Family::Radius { .. } => {
                query.middle = Some(point(args[2], args[3])?);
                query.circle(args[4], args[5])?;
                6
            }
            Family::RadiusByMember { .. } => {
                // Without a set nothing of it is looked at.
                if set.is_some() {
                    query.middle = place_of(set, args[2])?;
                    query.circle(args[3], args[4])?;
                }
                5
            }
            Family::Search => 2,
            Family::SearchStore => {
                query.store = Some(args[1]);
                3
            }
        };
        let mut rest = &args[options_at..];
        while let [word, more @ ..] = rest {
            let taken = query.option(word, more, family, set)?;
            rest = &more[taken..];
        }
        query.check(args[0], family)?;
        Ok(query)
    }

    fn circle(&mut self, radius: &[u8], unit_word: &[u8]) -> Result<(), Error> {
        let radius = length(radius, "ERR need numeric radius")?;
        if radius < 0.0 {
            return Err(RADIUS_NEGATIVE);
        }
        self.unit_m = unit(unit_word)?;
        self.shape = Some(Shape::Circle { radius_m: radius * self.unit_m });
        Ok(())
    }

    fn rectangle(&mut self, width: &[u8], height: &[u8], unit_word: &[u8]) -> Result<(), Error> {
        let width = length(width, "ERR need numeric width")?;
        let height = length(height, "ERR need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(BOX_NEGATIVE);
        }
        self.unit_m = unit(unit_word)?;
        let (width_m, height_m) = (width * self.unit_m, height * self.unit_m);
        self.shape = Some(Shape::Box { width_m, height_m });
        Ok(())
    }

    /// Reads one option; how many words behind its name it takes.
    fn option(
        &mut self,
        word: &[u8],
        rest: &[&'a [u8]],
        family: Family,
        set: Option<&Zset>,
    ) -> Result<usize, Error> {
        let is = |name: &str| args::is(word, name);
        match rest {
            _ if is("WITHDIST") => self.with_distance = true,
            _ if is("WITHHASH") => self.with_hash = true,
            _ if is("WITHCOORD") => self.with_coordinates = true,
            _ if is("ANY") => self.any = true,
            _ if is("ASC") => self.order = Some(Order::Nearest),
            _ if is("DESC") => self.order = Some(Order::Furthest),
            [count, ..] if is("COUNT") => {
                let count = args::integer(count)?;
                if count <= 0 {
                    return Err(COUNT_NOT_POSITIVE);
                }
                self.count = count as usize;
                return Ok(1);
            }
            [key, ..] if family.may_store() && (is("STORE") || is("STOREDIST")) => {
                // Only the first of several is locked, by what is known of the command.
                if self.store.is_some_and(|before| before != *key) {
                    return Err(Error::SYNTAX);
                }
                self.store = Some(key);
                self.stores_distance = is("STOREDIST");
                return Ok(1);
            }
            _ if family == Family::SearchStore && is("STOREDIST") => self.stores_distance = true,
            _ if family.searches() => return self.place_option(word, rest, set),
            _ => return Err(Error::SYNTAX),
        }
        Ok(0)
    }

    /// Reads an option that says where, or how far.
    fn place_option(
        &mut self,
        word: &[u8],
        rest: &[&'a [u8]],
        set: Option<&Zset>,
    ) -> Result<usize, Error> {
        let is = |name: &str| args::is(word, name);
        let is_circle = matches!(self.shape, Some(Shape::Circle { .. }));
        let is_box = matches!(self.shape, Some(Shape::Box { .. }));
        match rest {
            [member, ..] if is("FROMMEMBER") && !self.from_point => {
                self.middle = place_of(set, member)?;
                self.from_member = true;
                Ok(1)
            }
            [longitude, latitude, ..] if is("FROMLONLAT") && !self.from_member => {
                self.middle = Some(point(longitude, latitude)?);
                self.from_point = true;
                Ok(2)
            }
            [radius, unit, ..] if is("BYRADIUS") && !is_box => {
                self.circle(radius, unit)?;
                Ok(2)
            }
            [width, height, unit, ..] if is("BYBOX") && !is_circle => {
                self.rectangle(width, height, unit)?;
                Ok(3)
            }
            _ => Err(Error::SYNTAX),
        }
    }

    fn check(&self, name: &[u8], family: Family) -> Result<(), Error> {
        if self.store.is_some() && (self.with_distance || self.with_hash || self.with_coordinates) {
            let who = match family {
                Family::SearchStore => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            return Err(Error::new(format!(
                "ERR {who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        if family.searches() && !(self.from_member || self.from_point) {
            let text = "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ";
            return Err(said(&[text], name));
        }
        if family.searches() && self.shape.is_none() {
            let text = "ERR exactly one of BYRADIUS and BYBOX can be specified for ";
            return Err(said(&[text], name));
        }
        if self.any && self.count == 0 {
            return Err(ANY_WITHOUT_COUNT);
        }
        Ok(())
    }
}
