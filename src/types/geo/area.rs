//! Which cells have all places of a circle or a box: nine of a size that suits it, or fewer.

use super::{Bounds, Cell, Degrees, EARTH_RADIUS_M, Point, STEPS_MAX};

/// What is searched, around a middle; all in meters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shape {
    Circle { radius_m: f64 },
    Box { width_m: f64, height_m: f64 },
}

impl Shape {
    /// How far a place is from the middle, if it is inside.
    pub fn distance_m(self, middle: Point, place: Point) -> Option<f64> {
        match self {
            Shape::Circle { radius_m } => {
                let distance_m = middle.distance_m(place);
                (distance_m <= radius_m).then_some(distance_m)
            }
            Shape::Box { width_m, height_m } => {
                if place.latitude_distance_m(middle) > height_m / 2.0 {
                    return None;
                }
                // Along the place's own parallel.
                let across = Point { longitude: middle.longitude, ..place };
                if place.distance_m(across) > width_m / 2.0 {
                    return None;
                }
                Some(middle.distance_m(place))
            }
        }
    }

    /// Half of the width and of the height.
    fn halves_m(self) -> (f64, f64) {
        match self {
            Shape::Circle { radius_m } => (radius_m, radius_m),
            Shape::Box { width_m, height_m } => (width_m / 2.0, height_m / 2.0),
        }
    }

    /// How far its furthest place is from the middle.
    fn reach_m(self) -> f64 {
        match self {
            Shape::Circle { radius_m } => radius_m,
            Shape::Box { width_m, height_m } => {
                ((width_m / 2.0) * (width_m / 2.0) + (height_m / 2.0) * (height_m / 2.0)).sqrt()
            }
        }
    }

    /// A rectangle of the map with all of it.
    fn bounds(self, middle: Point) -> Bounds {
        let (width_m, height_m) = self.halves_m();
        let up = (height_m / EARTH_RADIUS_M).to_degrees_plain();
        // Degrees of longitude are shortest at the side that is nearer to a pole.
        let polar = if middle.latitude < 0.0 { middle.latitude - up } else { middle.latitude + up };
        let across = (width_m / EARTH_RADIUS_M / polar.to_radians_plain().cos()).to_degrees_plain();
        Bounds {
            west: middle.longitude - across,
            east: middle.longitude + across,
            south: middle.latitude - up,
            north: middle.latitude + up,
        }
    }
}

/// How often the map is halved so that a cell and its neighbours reach as far around any place in the
/// cell.
fn steps_for(reach_m: f64, latitude: f64) -> u32 {
    /// Half of the equator, as long as the map has it.
    const MAP_M: f64 = 20037726.37;
    if reach_m == 0.0 {
        return STEPS_MAX;
    }
    let (mut reach_m, mut steps) = (reach_m, 1i32);
    while reach_m < MAP_M {
        reach_m *= 2.0;
        steps += 1;
    }
    // Once for the neighbours, once to be sure at most latitudes; the cells shrink towards the poles.
    steps -= 2;
    if latitude.abs() > 66.0 {
        steps -= 1;
    }
    if latitude.abs() > 80.0 {
        steps -= 1;
    }
    steps.clamp(1, STEPS_MAX as i32) as u32
}

/// A cell and what lies around it, in the order in which Redis looks at them.
const AROUND: [(i32, i32); 9] =
    [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

/// The cells that have all places of a shape, each once, in the order in which Redis searches them:
/// results that are not sorted come in that order.
pub fn cells_for(shape: Shape, middle: Point) -> Vec<Cell> {
    let wanted = shape.bounds(middle);
    let mut steps = steps_for(shape.reach_m(), middle.latitude);
    let mut center = Cell::of(middle, steps);
    let too_small = center.beside(0, 1).bounds().north < wanted.north
        || center.beside(0, -1).bounds().south > wanted.south
        || center.beside(1, 0).bounds().east < wanted.east
        || center.beside(-1, 0).bounds().west > wanted.west;
    if steps > 1 && too_small {
        steps -= 1;
        center = Cell::of(middle, steps);
    }
    let own = center.bounds();
    // With fewer cells the neighbours of one side are those of the other.
    let is_needed = |(east, north): (i32, i32)| {
        steps < 2
            || !(north < 0 && own.south < wanted.south
                || north > 0 && own.north > wanted.north
                || east < 0 && own.west < wanted.west
                || east > 0 && own.east > wanted.east)
    };
    let mut cells: Vec<Cell> = Vec::with_capacity(AROUND.len());
    for (east, north) in AROUND.into_iter().filter(|at| is_needed(*at)) {
        let cell = center.beside(east, north);
        // Neighbours that follow each other may be the same where there are few; the center is not
        // among those that Redis compares.
        if cells.len() < 2 || cells.last() != Some(&cell) {
            cells.push(cell);
        }
    }
    cells
}
