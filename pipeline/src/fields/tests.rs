#![allow(clippy::unwrap_used)]

use super::*;

const WIDTH: usize = 96;
const HEIGHT: usize = 64;

/// One line of a moment: a pattern that moves to the right by three samples a moment, on a ground that does not.
fn line(y: usize, moment: usize) -> impl Iterator<Item = u8> {
    let moves = (16..48).contains(&y);
    (0..WIDTH).map(move |x| {
        let place = if moves { x + 3000 - moment * 3 } else { x };
        let noise = (x * 7 + y * 13 + moment * 5) % 4;
        (if place / 7 % 2 == 0 { 60 } else { 180 }) + noise as u8
    })
}

/// A picture whose upper field is of one moment and whose lower one of another.
fn woven(upper: usize, lower: usize) -> Levels {
    let samples = (0..HEIGHT).flat_map(|y| line(y, if y % 2 == 0 { upper } else { lower })).collect();
    Levels::new(WIDTH, samples).unwrap()
}

/// Picture `at` of film under pulldown, upper field first: 2, 3, 2 and 3 fields a picture.
fn pulled_down(at: usize) -> Levels {
    let (five, film) = (at / 5 * 4, [(0, 0), (1, 1), (1, 2), (2, 3), (3, 3)][at % 5]);
    woven(2 * (five + film.0), 2 * (five + film.1))
}

fn look(windows: &[Vec<Levels>]) -> FieldWatch {
    let mut watch = FieldWatch::default();
    for window in windows {
        for (at, picture) in (0..).zip(window) {
            watch.show(at * 100, Levels { samples: picture.samples.clone(), ..*picture });
        }
        watch.end_window();
    }
    watch
}

fn window(pictures: impl Iterator<Item = Levels>) -> Vec<Levels> {
    pictures.collect()
}

fn film(from: usize) -> Vec<Levels> {
    window((from..from + 25).map(pulled_down))
}

fn two_moments() -> Vec<Levels> {
    window((0..25).map(|at| woven(2 * at, 2 * at + 1)))
}

fn whole() -> Vec<Levels> {
    window((0..25).map(|at| woven(2 * at, 2 * at)))
}

fn still() -> Vec<Levels> {
    window((0..25).map(|_| woven(0, 0)))
}

#[test]
fn film_is_seen_in_whichever_phase_it_begins_and_the_picture_that_is_repeated_too() {
    for from in 0..5 {
        // The third of five shows what the second did.
        let repeated = (1..).find(|at| (from + at) % 5 == 2).unwrap();
        let repeated_pts = 100 * i64::try_from(repeated).unwrap();
        assert_eq!(look(&[film(from)]).fields(), Fields::Film { repeated_pts }, "from {from}");
    }
}

#[test]
fn film_is_seen_with_the_lower_field_first() {
    let other = |at: usize| {
        let (five, film) = (at / 5 * 4, [(0, 0), (1, 1), (2, 1), (3, 2), (3, 3)][at % 5]);
        woven(2 * (five + film.0), 2 * (five + film.1))
    };
    assert_eq!(look(&[window((0..25).map(other))]).fields(), Fields::Film { repeated_pts: 200 });
}

#[test]
fn film_of_two_three_three_and_two_fields_a_picture_is_seen() {
    let other = |at: usize| {
        let (five, film) = (at / 5 * 4, [(0, 0), (1, 1), (1, 2), (2, 2), (3, 3)][at % 5]);
        woven(2 * (five + film.0), 2 * (five + film.1))
    };
    assert_eq!(look(&[window((0..25).map(other))]).fields(), Fields::Film { repeated_pts: 200 });
}

#[test]
fn two_moments_a_picture_are_interlaced_and_one_is_whole() {
    assert_eq!(look(&[two_moments()]).fields(), Fields::Interlaced);
    assert_eq!(look(&[window((0..25).map(|at| woven(2 * at + 1, 2 * at)))]).fields(), Fields::Interlaced);
    assert_eq!(look(&[whole()]).fields(), Fields::Whole);
    assert_eq!(
        look(&[window((0..25).map(|at| woven(2 * at + 2, 2 * at)))]).fields(),
        Fields::Interlaced,
        "one is late"
    );
}

#[test]
fn nothing_is_said_of_what_stands_still_or_is_too_short() {
    for windows in [vec![], vec![still()], vec![vec![]], vec![film(0).split_off(20)]] {
        assert_eq!(look(&windows).fields(), Fields::Interlaced);
    }
}

#[test]
fn windows_have_to_agree_but_for_those_that_say_nothing() {
    let repeated_pts = 200;
    assert_eq!(look(&[still(), film(0), still(), still(), film(3)]).fields(), Fields::Film { repeated_pts });
    assert_eq!(look(&[film(0), film(0), film(0), two_moments()]).fields(), Fields::Interlaced);
    assert_eq!(look(&[film(0), whole()]).fields(), Fields::Interlaced);
    assert_eq!(look(&[whole(), still(), whole()]).fields(), Fields::Whole);
    // An edit in the middle of a window, which shifts the pattern.
    let edited = || window((0..12).chain(40..52).map(pulled_down).skip(1).chain((3..4).map(pulled_down)));
    assert_eq!(look(&[film(0), edited(), film(1), film(4)]).fields(), Fields::Film { repeated_pts });
    assert_eq!(look(&[film(0), edited(), film(1)]).fields(), Fields::Interlaced);
}

#[test]
fn pictures_of_any_size_are_looked_at() {
    for (width, height) in [(1, 1), (1, 2), (2, 3), (17, 17), (33, 5)] {
        let picture = |level: u8| Levels::new(width, vec![level; width * height]).unwrap();
        let mut watch = FieldWatch::default();
        (0..30).for_each(|at| watch.show(at, picture(if at % 2 == 0 { 0 } else { 255 })));
        watch.show(30, Levels::new(7, vec![0; 7]).unwrap());
        watch.end_window();
        assert_ne!(watch.fields(), Fields::Film { repeated_pts: 0 });
        assert_eq!(picture(9).apart(&picture(5)), 4 * (width.min(16) * height.min(16)) as u64);
    }
    assert!(Levels::new(0, vec![]).is_none() && Levels::new(4, vec![0; 7]).is_none());
}
