//! Places on the earth as numbers that sort: the geohash of 52 bits that Redis keeps as a score.
//!
//! Longitude and latitude are each cut in half again and again, and the halves noted bit by bit, by
//! turns: so places that share their first bits share a cell, and a cell is a range of numbers. The
//! map is the square of the web's Mercator projection: latitudes end at about 85 degrees.

mod area;
#[cfg(test)]
mod tests;

pub use area::{Shape, cells_for};

/// How often each coordinate of a place is halved.
pub const STEPS_MAX: u32 = 26;
pub const LONGITUDE_MAX: f64 = 180.0;
/// Where the map ends.
pub const LATITUDE_MAX: f64 = 85.05112878;
/// Where geohash strings end.
const LATITUDE_POLE: f64 = 90.0;
const EARTH_RADIUS_M: f64 = 6372797.560856;

/// A place, in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    pub longitude: f64,
    pub latitude: f64,
}

impl Point {
    /// Whether the place is on the map.
    pub fn is_valid(self) -> bool {
        self.longitude.abs() <= LONGITUDE_MAX && self.latitude.abs() <= LATITUDE_MAX
    }

    /// The place as a score.
    pub fn score(self) -> u64 {
        Cell::of(self, STEPS_MAX).bits()
    }

    /// The middle of the cell that a score names.
    pub fn from_score(score: f64) -> Point {
        // Scores below zero are of no place; Redis's processor takes them round to the far end.
        let bits = if score < 0.0 { score as i64 as u64 } else { score as u64 };
        let cell = Cell { x: gather(bits >> 1), y: gather(bits), steps: STEPS_MAX };
        let bounds = cell.bounds();
        let middle = |low: f64, high: f64, max: f64| ((low + high) / 2.0).clamp(-max, max);
        Point {
            longitude: middle(bounds.west, bounds.east, LONGITUDE_MAX),
            latitude: middle(bounds.south, bounds.north, LATITUDE_MAX),
        }
    }

    /// The place's geohash as the rest of the world writes it: eleven letters and digits, of which
    /// the last tells nothing, since it would need more bits than there are.
    pub fn geohash(self) -> [u8; 11] {
        const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let x = halvings(self.longitude, LONGITUDE_MAX, STEPS_MAX);
        let y = halvings(self.latitude, LATITUDE_POLE, STEPS_MAX);
        let bits = interleave(x, y);
        let mut text = [ALPHABET[0]; 11];
        for (at, letter) in text.iter_mut().take(10).enumerate() {
            *letter = ALPHABET[(bits >> (52 - 5 * (at + 1)) & 0x1f) as usize];
        }
        text
    }

    /// How far another place is, in meters, along a great circle of a perfect sphere.
    pub fn distance_m(self, other: Point) -> f64 {
        let half =
            |from: f64, to: f64| ((to.to_radians_plain() - from.to_radians_plain()) / 2.0).sin();
        let across = half(self.longitude, other.longitude);
        if across == 0.0 {
            return self.latitude_distance_m(other);
        }
        let up = half(self.latitude, other.latitude);
        let shrinks =
            self.latitude.to_radians_plain().cos() * other.latitude.to_radians_plain().cos();
        2.0 * EARTH_RADIUS_M * (up * up + shrinks * across * across).sqrt().asin()
    }

    /// How far another place is to the north or south, in meters.
    pub fn latitude_distance_m(self, other: Point) -> f64 {
        EARTH_RADIUS_M
            * (other.latitude.to_radians_plain() - self.latitude.to_radians_plain()).abs()
    }
}

/// Degrees and radians by the one factor that Redis uses: the last bit of a distance hangs on it.
trait Degrees {
    fn to_radians_plain(self) -> f64;
    fn to_degrees_plain(self) -> f64;
}

const RADIANS_PER_DEGREE: f64 = std::f64::consts::PI / 180.0;

impl Degrees for f64 {
    fn to_radians_plain(self) -> f64 {
        self * RADIANS_PER_DEGREE
    }

    fn to_degrees_plain(self) -> f64 {
        self / RADIANS_PER_DEGREE
    }
}

/// Which of the 2^steps parts of `-max..max` a coordinate lies in.
fn halvings(coordinate: f64, max: f64, steps: u32) -> u32 {
    let share = (coordinate + max) / (max + max);
    // The very end is in the part behind the last, as in Redis.
    (share * (1u64 << steps) as f64) as u32
}

/// Spreads bits, so that there is room for another one behind each.
fn spread(bits: u32) -> u64 {
    let mut wide = u64::from(bits);
    wide = (wide | wide << 16) & 0x0000_ffff_0000_ffff;
    wide = (wide | wide << 8) & 0x00ff_00ff_00ff_00ff;
    wide = (wide | wide << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    wide = (wide | wide << 2) & 0x3333_3333_3333_3333;
    (wide | wide << 1) & 0x5555_5555_5555_5555
}

/// Undoes [`spread`], leaving out every other bit.
fn gather(bits: u64) -> u32 {
    let mut narrow = bits & 0x5555_5555_5555_5555;
    narrow = (narrow | narrow >> 1) & 0x3333_3333_3333_3333;
    narrow = (narrow | narrow >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    narrow = (narrow | narrow >> 4) & 0x00ff_00ff_00ff_00ff;
    narrow = (narrow | narrow >> 8) & 0x0000_ffff_0000_ffff;
    (narrow | narrow >> 16) as u32
}

fn interleave(x: u32, y: u32) -> u64 {
    spread(x) << 1 | spread(y)
}

/// A rectangle of the map: what is left of it after some halvings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Its column, from the west.
    x: u32,
    /// Its row, from the south.
    y: u32,
    steps: u32,
}

/// The sides of a rectangle, in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Bounds {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Cell {
    /// The cell that a place lies in.
    fn of(point: Point, steps: u32) -> Cell {
        Cell {
            x: halvings(point.longitude, LONGITUDE_MAX, steps),
            y: halvings(point.latitude, LATITUDE_MAX, steps),
            steps,
        }
    }

    fn bits(self) -> u64 {
        interleave(self.x, self.y)
    }

    fn bounds(self) -> Bounds {
        let parts = (1u64 << self.steps) as f64;
        let side = |at: f64, max: f64| -max + at / parts * (max + max);
        let (x, y) = (f64::from(self.x), f64::from(self.y));
        Bounds {
            west: side(x, LONGITUDE_MAX),
            east: side(x + 1.0, LONGITUDE_MAX),
            south: side(y, LATITUDE_MAX),
            north: side(y + 1.0, LATITUDE_MAX),
        }
    }

    /// The cell so many columns to the east and rows to the north, round the world in both directions.
    fn beside(self, east: i32, north: i32) -> Cell {
        // At the map's very edge it is behind the last column, and stays there unless it is moved.
        let mask = ((1u64 << self.steps) - 1) as u32;
        let moved = |at: u32, by: i32| {
            if by == 0 { at } else { at.wrapping_add_signed(by) & mask }
        };
        Cell { x: moved(self.x, east), y: moved(self.y, north), steps: self.steps }
    }

    /// The scores of the places in the cell: from the first up to, and without, the second.
    pub fn scores(self) -> (f64, f64) {
        let unit = 2 * (STEPS_MAX - self.steps);
        ((self.bits() << unit) as f64, ((self.bits() + 1) << unit) as f64)
    }
}
