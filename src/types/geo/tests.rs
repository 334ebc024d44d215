use proptest::prelude::*;

use super::*;

const PALERMO: Point = Point { longitude: 13.361389, latitude: 38.115556 };
const CATANIA: Point = Point { longitude: 15.087269, latitude: 37.502669 };

#[test]
fn known_places() {
    assert_eq!(PALERMO.score(), 3479099956230698);
    assert_eq!(CATANIA.score(), 3479447370796909);
    let (palermo, catania) =
        (Point::from_score(3479099956230698.0), Point::from_score(3479447370796909.0));
    assert_eq!(&palermo.geohash(), b"sqc8b49rny0");
    assert_eq!(&catania.geohash(), b"sqdtr74hyu0");
    assert_eq!(format!("{:.4}", palermo.distance_m(catania)), "166274.1516");
    assert_eq!(palermo.distance_m(palermo), 0.0);
}

#[test]
fn the_edges_of_the_map() {
    for (longitude, latitude, inside) in [
        (180.0, LATITUDE_MAX, true),
        (-180.0, -LATITUDE_MAX, true),
        (180.000001, 0.0, false),
        (0.0, 85.06, false),
        (f64::INFINITY, 0.0, false),
    ] {
        assert_eq!(Point { longitude, latitude }.is_valid(), inside);
    }
    let corner = Point { longitude: -180.0, latitude: -LATITUDE_MAX };
    assert_eq!(corner.score(), 0);
}

fn point() -> impl Strategy<Value = Point> {
    (-180.0..180.0, -85.0..85.0).prop_map(|(longitude, latitude)| Point { longitude, latitude })
}

proptest! {
    #[test]
    fn a_place_is_near_the_middle_of_its_cell(point in point()) {
        let back = Point::from_score(point.score() as f64);
        // Half of a cell is 0.6 m at the equator; rows are stretched the more the nearer to a pole.
        prop_assert!(point.distance_m(back) < 0.6);
        prop_assert_eq!(back.score(), point.score());
    }

    #[test]
    fn the_cells_have_every_place_of_a_shape(
        middle in point(),
        others in prop::collection::vec(point(), 100),
        offsets in prop::collection::vec((-1.0..1.0, -1.0..1.0), 50),
        size_m in prop_oneof![1.0..1000.0, 1000.0..1e6],
        is_box in any::<bool>(),
    ) {
        // Near the poles a shape may reach round one, which the nine cells do not: as in Redis.
        prop_assume!(middle.latitude.abs() < 60.0);
        let shape = match is_box {
            true => Shape::Box { width_m: size_m, height_m: size_m * 0.7 },
            false => Shape::Circle { radius_m: size_m },
        };
        let cells = cells_for(shape, middle);
        let degrees = size_m / 111_000.0;
        let near = offsets.into_iter().map(|(x, y)| Point {
            longitude: middle.longitude + x * degrees * 2.0,
            latitude: middle.latitude + y * degrees,
        });
        for place in others.into_iter().chain(near).filter(|place| place.is_valid()) {
            if shape.distance_m(middle, place).is_some() {
                let score = place.score() as f64;
                let found = cells.iter().filter(|cell| {
                    let (from, to) = cell.scores();
                    (from..to).contains(&score)
                });
                prop_assert_eq!(found.count(), 1, "{:?} of {:?}", place, cells);
            }
        }
    }
}
